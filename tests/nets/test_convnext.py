from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.convnext import CONVNEXT, BlockStage, Shape, convnext
from jtransfer.nets.convnext_names import convnext_names
from tests.nets.published_nets import (
    images_of,
    published_outputs,
    same_stages,
    timm,
    torchvision,
    weights_of,
)

PARAMETERS = {"tiny": 28_589_128, "small": 50_223_688, "base": 88_591_464}  # torchvision's

# The module by which each of our stages ends.
MODULES = {
    "timm": {
        "stem": "stem",
        **{f"stage{number + 1}": f"stages.{number}" for number in range(4)},
        "pool": "head.norm",
        "fc": "head.fc",
    },
    "torchvision": {
        "stem": "features.0",
        **{f"stage{number + 1}": f"features.{2 * number + 1}" for number in range(4)},
        "pool": "classifier.0",
        "fc": "classifier.2",
    },
}


def rival(publisher, shape, **settings):
    """The net of a publisher."""
    if publisher == "timm":
        from_timm = timm().models.convnext.ConvNeXt
        return from_timm(depths=shape.blocks, dims=shape.widths, **settings).eval()
    module = torchvision().models.convnext
    stages = zip(shape.widths, [*shape.widths[1:], None], shape.blocks, strict=True)
    blocks = [module.CNBlockConfig(*stage) for stage in stages]
    return module.ConvNeXt(blocks, **settings).eval()


@pytest.mark.parametrize("size", PARAMETERS)
def test_the_parameters_are_the_published_ones(size):
    net, images = convnext(size), jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
    init = partial(net.init_with_output, taps=net.stage_names)
    (_, taps), variables = jax.eval_shape(init, jax.random.key(0), images)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == PARAMETERS[size]
    widest = 1024 if size == "base" else 768
    assert taps["stem"].shape == taps["stage1"].shape == (2, 56, 56, widest // 8)
    assert taps["stage2"].shape == (2, 28, 28, widest // 4)
    assert taps["stage3"].shape == (2, 14, 14, widest // 2)
    assert taps["stage4"].shape == (2, 7, 7, widest)
    assert taps["pool"].shape == (2, widest)
    assert taps["fc"].shape == (2, 1000)


@pytest.mark.parametrize("publisher", MODULES)
@pytest.mark.parametrize("size", ["tiny", "small"])
def test_every_entry_of_the_publishers_has_its_place(publisher, size):
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        build = timm().create_model if publisher == "timm" else torchvision().models.get_model
        published = build(f"convnext_{size}").state_dict()
    names = convnext_names(size, publisher=publisher)
    entries = {
        *(f"{module}.{kind}" for module in names.modules for kind in ("weight", "bias")),
        *names.entries,
    }
    assert entries == published.keys()


@pytest.mark.parametrize(
    ("publisher", "shape", "pixels"),
    [
        ("timm", Shape((1, 2, 1, 1), (8, 16, 24, 32)), (70, 54)),
        ("torchvision", Shape((1, 1, 2, 1), (8, 16, 24, 32)), (64, 64)),
        pytest.param("timm", CONVNEXT["tiny"], (64, 64), marks=pytest.mark.slow),
        pytest.param("torchvision", CONVNEXT["small"], (64, 64), marks=pytest.mark.slow),
        pytest.param("timm", CONVNEXT["base"], (70, 54), marks=pytest.mark.slow),
    ],
)
def test_every_stage_is_the_publishers(publisher, shape, pixels):
    torch = pytest.importorskip("torch")
    published = randomised(rival(publisher, shape, num_classes=7), torch)
    net, images = convnext(shape, classes=7), images_of(*pixels)
    variables = weights_of(published, net, convnext_names(shape, publisher=publisher), images)
    expected = published_outputs(published, MODULES[publisher], images)
    same_stages(net, variables, images, expected)


def randomised(net, torch):
    """With random numbers in everything, about 1 in size, so that every block counts."""
    torch.manual_seed(0)
    for name, numbers in net.named_parameters():
        if name.endswith(("gamma", "layer_scale")) or (numbers.ndim == 1 and "weight" in name):
            torch.nn.init.uniform_(numbers, 0.5, 1.5)
        elif numbers.ndim == 1:
            torch.nn.init.uniform_(numbers, -0.5, 0.5)
        else:
            torch.nn.init.kaiming_uniform_(numbers, nonlinearity="relu")
    return net


def test_torchvisions_layer_scale_is_read_and_written_by_hand():
    place = convnext_names("tiny", publisher="torchvision").entries["features.1.0.layer_scale"]
    assert place.paths == (("params", "stage1", "block1", "gamma"),)
    (gamma,) = place.leaves(np.array([1.0, 2.0]).reshape(2, 1, 1))
    np.testing.assert_array_equal(gamma, [1, 2])
    assert place.entry([gamma]).shape == (2, 1, 1)


def test_what_there_is_not_is_an_error():
    for build in (convnext, convnext_names):
        with pytest.raises(ValueError, match="no ConvNeXt 'huge' here; expected tiny, small, base"):
            build("huge")
    with pytest.raises(ValueError, match="publisher='meta'; expected 'timm' or 'torchvision'"):
        convnext_names("tiny", publisher="meta")


def test_images_that_are_too_small_are_an_error():
    maps = jax.ShapeDtypeStruct((2, 1, 2, 4), jnp.float32)
    with pytest.raises(ValueError, match=r"1x2 pixels, .* 2x2 at a time; expected images of 32x32"):
        jax.eval_shape(BlockStage(1, 8).init, jax.random.key(0), maps)
