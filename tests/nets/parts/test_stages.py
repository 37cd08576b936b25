import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.stages import FullStage

MAPS = jnp.array([[1.0, -1.0], [0.5, 2.0]]).reshape(2, 1, 2, 1)
PARAMS = {"kernel": jnp.array([[1.0, -1.0], [2.0, 0.0]]), "bias": jnp.array([0.0, 0.5])}


@pytest.mark.parametrize(
    ("relu", "expected"),
    [(False, [[-1.0, -0.5], [4.5, 0.0]]), (True, [[0.0, 0.0], [4.5, 0.0]])],
)
def test_by_hand(relu, expected):
    # (1 - 2, -1 + .5) and (.5 + 4, -.5 + .5)
    stage = FullStage(2, relu=relu)
    np.testing.assert_allclose(stage.apply({"params": PARAMS}, MAPS), expected)


def test_operations_come_first_and_in_order():
    stage = FullStage(2, relu=False, before=(lambda x: x + 1, lambda x: 2 * x))
    expected = FullStage(2, relu=False).apply({"params": PARAMS}, 2 * (MAPS + 1))
    np.testing.assert_allclose(stage.apply({"params": PARAMS}, MAPS), expected)


def test_dropout_zeroes_inputs_only_while_training():
    stage = FullStage(64, relu=False, dropout=0.5)
    params = {"kernel": jnp.eye(64), "bias": jnp.ones(64)}
    ones = jnp.ones((8, 64))
    np.testing.assert_array_equal(stage.apply({"params": params}, ones), 2 * ones)
    rngs = {"dropout": jax.random.key(0)}
    outputs = stage.apply({"params": params}, ones, train=True, rngs=rngs)
    assert set(np.unique(outputs)) == {1.0, 3.0}  # bias + 0 and bias + 1 / (1 - .5)
    assert 0.4 < (outputs == 1).mean() < 0.6
