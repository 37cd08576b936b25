from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.convolutions import convolution
from jtransfer.nets.parts.layers import max_pool
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from tests import draws
from tests.draws import normal

IMAGES = normal(0, (2, 12, 12, 3))


@pytest.fixture(scope="module")
def trunk():
    return Trunk(
        (
            ("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),
            ("conv2", partial(ConvStage, 5, 3)),
            ("conv3", partial(ConvStage, 6, 3, "SAME")),
        )
    )


@pytest.fixture(scope="module")
def variables(trunk):
    return draws.variables(trunk, IMAGES)


def test_stages_are_named_in_order(trunk, variables):
    assert trunk.stage_names == ("conv1", "conv2", "conv3")
    assert set(variables["params"]) == {"conv1", "conv2", "conv3"}


def test_until_and_taps_return_the_same_features(trunk, variables):
    whole, taps = trunk.apply(variables, IMAGES, taps=("conv1", "conv3"))
    chopped = trunk.apply(variables, IMAGES, until="conv1")
    np.testing.assert_array_equal(taps["conv1"], chopped)
    np.testing.assert_array_equal(taps["conv3"], whole)
    assert chopped.shape == (2, 5, 5, 4)
    assert whole.shape == (2, 3, 3, 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"until": "conv4"}, "no stage .*conv4"),
        ({"taps": ("pool1",)}, "no stage .*pool1"),
        ({"taps": ("conv3",), "until": "conv1"}, "behind until='conv1'"),
    ],
)
def test_wrong_names_are_errors(trunk, variables, arguments, message):
    with pytest.raises(ValueError, match=message):
        trunk.apply(variables, IMAGES, **arguments)


def test_a_frozen_stage_behaves_as_at_test_time_while_others_train():
    stages = tuple((name, partial(ConvStage, 4, 3, norm=True)) for name in ("conv1", "conv2"))
    trunk = Trunk(stages, frozen=("conv1",))
    variables = draws.variables(trunk, IMAGES)
    (_, taps), moved = trunk.apply(
        variables, IMAGES, train=True, taps=("conv1", "conv2"), mutable=["batch_stats"]
    )
    _, at_test_time = trunk.apply(variables, IMAGES, taps=("conv1", "conv2"))
    np.testing.assert_array_equal(taps["conv1"], at_test_time["conv1"])
    assert not np.allclose(taps["conv2"], at_test_time["conv2"])
    before, after = variables["batch_stats"], moved["batch_stats"]
    jax.tree.map(np.testing.assert_array_equal, after["conv1"], before["conv1"])
    assert not np.array_equal(after["conv2"]["norm"]["mean"], before["conv2"]["norm"]["mean"])
    with pytest.raises(ValueError, match=r"no stage .*conv3"):
        trunk.clone(frozen=("conv3",)).apply(variables, IMAGES)


def test_a_stage_equals_conv_relu_pool_in_the_papers_order(trunk, variables):
    params = variables["params"]["conv1"]["conv"]
    maps = convolution(IMAGES, params["kernel"]) + params["bias"][None, None, None]
    expected = max_pool(jax.nn.relu(maps), window=2, stride=2)
    np.testing.assert_allclose(trunk.apply(variables, IMAGES, until="conv1"), expected, atol=1e-6)


def test_dropout_zeroes_whole_maps_only_while_training():
    stage = ConvStage(32, 3, dropout=0.5)
    params = stage.init(jax.random.key(0), IMAGES)
    bright = jax.tree.map(jnp.abs, params)
    images = jnp.abs(IMAGES)
    out = stage.apply(bright, images, train=True, rngs={"dropout": jax.random.key(1)})
    dark = (out == 0).all(axis=(1, 2))
    np.testing.assert_array_equal(dark, (out == 0).any(axis=(1, 2)))
    assert 0.3 < dark.mean() < 0.7
    assert (stage.apply(bright, images) > 0).all()


def test_a_head_by_hand():
    head = Head((2,), 1)
    features = jnp.array([[1.0, -1.0], [0.5, 2.0]]).reshape(2, 1, 1, 2)
    params = {
        "fc1": {"kernel": jnp.array([[1.0, -1.0], [2.0, 0.0]]), "bias": jnp.array([0.0, 0.5])},
        "out": {"kernel": jnp.array([[3.0], [1.0]]), "bias": jnp.array([-1.0])},
    }
    # hidden: relu(1 - 2, -1 + .5) = (0, 0) and relu(.5 + 4, -.5 + .5) = (4.5, 0)
    np.testing.assert_allclose(head.apply({"params": params}, features), [[-1.0], [12.5]])
