import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.averaging import averaged, averaged_params
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.parameter_groups import parameter_groups
from tests.draws import normal
from tests.train import regression


def slope(params, stats, batch, rng, progress):
    """Its gradient is -batch, so that a rate of 1 adds the batch to the parameter."""
    del rng, progress
    return -(params["w"] * batch).sum(), (stats, {})


def trained(optimizer, batches):
    state = TrainState.create({"params": {"w": jnp.zeros(1)}}, optimizer, rng=jax.random.key(0))
    step = jax.jit(make_step(slope, optimizer, total_steps=9), donate_argnums=0)
    for batch in batches:
        state, _ = step(state, jnp.array([batch]))
    return state


def test_the_average_by_hand():
    state = trained(averaged(optax.sgd(1.0), decay=0.2), [1.0, 2.0])
    assert state.params["w"] == 3.0
    # min(.2, 2/11) = 2/11, then min(.2, 3/12) = .2
    first = 9 / 11 * 1.0
    np.testing.assert_allclose(averaged_params(state)["w"], [first + 0.8 * (3.0 - first)], 1e-6)


def test_training_is_what_it_was():
    plain = trained(optax.adam(0.1), [1.0, -2.0, 3.0])
    with_average = trained(averaged(optax.adam(0.1)), [1.0, -2.0, 3.0])
    np.testing.assert_array_equal(with_average.params["w"], plain.params["w"])


def test_what_is_frozen_is_its_own_average():
    params = {"trunk": normal(0, (9,)), "head": jnp.ones(3)}
    groups = parameter_groups(params, {"trunk": "frozen", "head": "full"})
    optimizer = averaged(groups.optimizer(optax.adamw(0.1)))
    opt_state = optimizer.init(params)
    for _ in range(5):
        gradients = jax.tree.map(jnp.cos, params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        params = optax.apply_updates(params, updates)
    state = TrainState(jnp.int32(5), params, {}, opt_state, jax.random.key(0))
    np.testing.assert_array_equal(averaged_params(state)["trunk"], params["trunk"])
    assert not np.array_equal(averaged_params(state)["head"], params["head"])


def test_resumed_the_average_is_bit_identical(tmp_path):
    optimizer = averaged(regression.OPTIMIZER, decay=0.9)
    compiled = compile_step(
        make_step(regression.loss, optimizer, total_steps=20), regression.gather
    )

    def start():
        variables = {
            "params": {"w": jnp.zeros(3), "b": jnp.zeros(1)},
            "seen": jnp.zeros(()),
        }
        return TrainState.create(variables, optimizer, rng=jax.random.key(7))

    whole = fit(compiled, start(), regression.Feed(), steps=20)
    with Checkpoints(tmp_path) as checkpoints:
        fit(compiled, start(), regression.Feed(), steps=8, checkpoints=checkpoints)
        restored = checkpoints.restore(start())
    resumed = fit(compiled, restored, regression.Feed(), steps=20)
    jax.tree.map(np.testing.assert_array_equal, averaged_params(resumed), averaged_params(whole))
    assert not np.array_equal(averaged_params(whole)["w"], whole.params["w"])


def test_a_state_without_an_average():
    with pytest.raises(ValueError, match=r"without an average; make the optimizer with averaged"):
        averaged_params(regression.initial_state())


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_decay_is_a_share(decay):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        averaged(optax.sgd(0.1), decay=decay)
