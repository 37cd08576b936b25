import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.l2_sp import l2_sp, with_start


def test_l2_sp_by_hand():
    """alpha/2 |w - w0|^2 + beta/2 |w|^2, and its gradient alpha (w - w0), beta w."""

    def nothing(params, stats, batch, rng, progress):
        del batch, rng, progress
        return jnp.zeros(()), (stats, {})

    start = {"params": {"trunk": {"w": jnp.array([1.0, 2.0])}, "head": {"w": jnp.array([4.0])}}}
    variables = with_start(start)
    moved = {"trunk": {"w": jnp.array([2.0, 0.0])}, "head": {"w": jnp.array([3.0])}}
    loss = l2_sp(nothing, alpha=0.5, beta=0.1)
    stats = {"start": variables["start"]}
    value, (after, metrics) = loss(moved, stats, None, None, None)
    np.testing.assert_allclose(value, 0.25 * (1 + 4) + 0.05 * 9)
    assert metrics["penalty"] == (value, 1.0)
    assert after == stats
    step = make_step(loss, optax.sgd(1.0), total_steps=1)
    state = TrainState.create(variables, optax.sgd(1.0), rng=jax.random.key(0))
    state, _ = step(state.replace(params=moved), None)
    np.testing.assert_allclose(state.params["trunk"]["w"], [1.5, 1.0])
    np.testing.assert_allclose(state.params["head"]["w"], [2.7], rtol=1e-6)
