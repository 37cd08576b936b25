from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.domain_statistics import statistics_per_domain
from jtransfer.nets.resnet import resnet, resnet_names
from tests.nets.published_nets import (
    images_of,
    published_outputs,
    same_stages,
    timm,
    torchvision,
    weights_of,
)

PARAMETERS = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160}  # torchvision's

STAGES = {
    **{"stem": "maxpool", "layer1": "layer1", "layer2": "layer2"},
    **{"layer3": "layer3", "layer4": "layer4"},
}
TORCHVISION = {**STAGES, "pool": "avgpool", "fc": "fc"}
TIMM = {**STAGES, "pool": "global_pool", "fc": "fc"}


def shapes(depth, **settings):
    """The shapes of the variables and of what every stage gives, without computing them."""
    net = resnet(depth, **settings)
    images = jax.ShapeDtypeStruct((2, 224, 224, 3), jnp.float32)
    init = partial(net.init_with_output, taps=net.stage_names)
    (_, taps), variables = jax.eval_shape(init, jax.random.key(0), images)
    return variables, {name: tap.shape[1:] for name, tap in taps.items()}


@pytest.mark.parametrize("depth", PARAMETERS)
def test_the_parameters_are_the_published_ones(depth):
    variables, taps = shapes(depth)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == PARAMETERS[depth]
    times = 4 if depth >= 50 else 1
    assert taps == {
        "stem": (56, 56, 64),
        "layer1": (56, 56, 64 * times),
        "layer2": (28, 28, 128 * times),
        "layer3": (14, 14, 256 * times),
        "layer4": (7, 7, 512 * times),
        "pool": (512 * times,),
        "fc": (1000,),
    }


def test_an_unknown_depth_is_an_error():
    for build in (resnet, resnet_names):
        with pytest.raises(ValueError, match="no ResNet-20 here; expected a depth of 18, 34, 50"):
            build(20)


@pytest.mark.parametrize("depth", PARAMETERS)
def test_torchvision_and_timm_have_the_same_names_and_each_has_its_place(depth):
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        published = getattr(torchvision().models, f"resnet{depth}")().state_dict()
        assert timm().create_model(f"resnet{depth}").state_dict().keys() == published.keys()
    modules = {name.rpartition(".")[0] for name in published}
    assert resnet_names(depth).modules.keys() == modules


@pytest.mark.parametrize(
    ("publisher", "depth", "size"),
    [
        ("torchvision", 18, (64, 64)),
        ("timm", 50, (70, 54)),
        pytest.param("timm", 18, (70, 54), marks=pytest.mark.slow),
        pytest.param("torchvision", 50, (64, 64), marks=pytest.mark.slow),
        pytest.param("torchvision", 34, (64, 64), marks=pytest.mark.slow),
        pytest.param("timm", 101, (64, 64), marks=pytest.mark.slow),
    ],
)
def test_every_stage_is_the_publishers(publisher, depth, size):
    module = {"torchvision": torchvision, "timm": timm}[publisher]()
    from experiments.throughput.rivals.efficientnet import randomised

    build = module.models if publisher == "torchvision" else module.models.resnet
    rival = randomised(getattr(build, f"resnet{depth}")(num_classes=7))
    net, images = resnet(depth, classes=7), images_of(*size)
    variables = weights_of(rival, net, resnet_names(depth), images)
    expected = published_outputs(rival, TORCHVISION if publisher == "torchvision" else TIMM, images)
    same_stages(net, variables, images, expected)


def test_kernels_begin_as_torchvisions():
    """Normal, of variance 2 / (7 x 7 x 64 outputs)."""
    init = jax.jit(partial(resnet(18).init, until="stem"))
    kernel = init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))["params"]["stem"]["conv"]["kernel"]
    assert kernel.std() == pytest.approx(np.sqrt(2 / (49 * 64)), rel=0.02)


@pytest.mark.parametrize("stage", [1, 2])
def test_statistics_per_domain_start_from_the_published_ones_and_move_apart(stage):
    """In every norm of a stage, of the stem and of blocks with and without a shortcut."""
    plain, moving = (
        net.clone(stages=net.stages[:2] if stage == 1 else net.stages[2:3])
        for net in (
            resnet(18, classes=7),
            resnet(18, classes=7, frozen_statistics=False, num_domains=2),
        )
    )
    images = jnp.asarray(images_of(16, 16, batch=4))
    variables = jax.jit(plain.init)(jax.random.key(0), images)
    started = statistics_per_domain(variables, 2)

    @jax.jit
    def outputs(variables, started):
        tested = moving.apply(started, images, domains=(0, 1))
        train = partial(moving.apply, train=True, domains=(1,), mutable=["batch_stats"])
        return plain.apply(variables, images), tested, train(started, images)[1]

    expected, tested, updated = outputs(variables, started)
    np.testing.assert_allclose(tested, expected, atol=1e-5)
    before, after = (jax.tree.leaves(each["batch_stats"]) for each in (started, updated))
    assert len(before) == 2 * 5
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new[0], old[0])
        assert (new[1] != old[1]).any()
