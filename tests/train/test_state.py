import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.train.state import TrainState
from tests.train import regression


def test_variables_become_parameters_and_statistics():
    variables = {"params": {"w": jnp.ones(2)}, "batch_stats": {"mean": jnp.zeros(2)}}
    state = TrainState.create(variables, optax.sgd(0.1, momentum=0.9), rng=jax.random.key(0))
    assert state.params == {"w": state.params["w"]}
    assert set(state.stats) == {"batch_stats"}
    assert state.step.dtype == jnp.int32


def test_donating_the_state_leaves_the_callers_arrays_alone():
    pretrained = {"params": {"w": jnp.zeros(3), "b": jnp.zeros(1)}, "seen": jnp.zeros(())}
    key = jax.random.key(7)
    state = TrainState.create(pretrained, regression.OPTIMIZER, rng=key)
    feed = regression.Feed()
    regression.compiled_step()(state, feed.constants, feed.inputs(0))
    np.testing.assert_array_equal(pretrained["params"]["w"], np.zeros(3))
    assert not key.is_deleted()
