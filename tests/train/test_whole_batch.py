"""What a loss asks of the whole batch, by hand: parts are every other one of the numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.train.whole_batch import key_of_batch, mean_over_batch, mean_over_parts

# The parts of two are 1, 3, 5, 7 and 2, nothing, nothing, nothing.
NUMBERS = jnp.array([1.0, 2.0, 3.0, jnp.nan, 5.0, jnp.nan, 7.0, jnp.nan])


def stepped(loss, batch, *, accumulate=1, axis_name=None, optimizer=None):
    """Parameter after a step of rate 1 from 0, statistics and metrics."""
    optimizer = optimizer or optax.sgd(1.0)
    step = make_step(loss, optimizer, total_steps=1, accumulate=accumulate, axis_name=axis_name)
    variables = {"params": {"w": jnp.zeros(())}, "seen": jnp.zeros(())}
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    if axis_name is None:
        state, metrics = jax.jit(step)(state, batch)
    else:
        mapped = jax.pmap(
            step, axis_name, in_axes=(None, 0), out_axes=None, devices=jax.devices()[:2]
        )
        state, metrics = mapped(state, batch.reshape(-1, 2).T)
    return float(state.params["w"]), float(state.stats["seen"]), metrics


def of_those_there(params, stats, batch, rng, progress):
    """Minus w times the mean of the numbers that are there; two questions, one on the other."""
    del rng, progress
    there = ~jnp.isnan(batch)
    numbers = jnp.where(there, batch, 0.0)
    count = there.sum() * 1.0
    mean = mean_over_parts(numbers.sum()) / mean_over_parts(count)
    spread = mean_over_batch(jnp.where(there, (numbers - mean) ** 2, 0.0).sum(), count)
    value = -params["w"] * mean_over_batch(numbers.sum(), count)
    variance = mean_over_parts(spread)
    return value, ({"seen": stats["seen"] + variance}, {"mean": (numbers.sum(), count)})


@pytest.mark.parametrize(
    "parts", [{}, {"accumulate": 2}, {"accumulate": 4}, {"accumulate": 8}, {"axis_name": "data"}]
)
def test_a_mean_is_over_the_whole_batch_however_it_is_cut(parts):
    """(1 + 2 + 3 + 5 + 7) / 5 = 3.6, and their variance is 88 / 5 - 3.6^2 = 4.64."""
    moved, seen, metrics = stepped(of_those_there, NUMBERS, **parts)
    assert moved == pytest.approx(3.6, rel=1e-6)
    assert seen == pytest.approx(4.64, rel=1e-6)
    assert tuple(map(float, metrics["mean"])) == (18.0, 5.0)


def test_a_clipped_gradient_is_that_of_the_whole_batch():
    """Of length 3.6, it is let pass; that of the first part alone is 4, and would be shortened."""
    for accumulate in (1, 2):
        moved, _, _ = stepped(
            of_those_there,
            NUMBERS,
            accumulate=accumulate,
            optimizer=optax.chain(optax.clip_by_global_norm(3.7), optax.sgd(1.0)),
        )
        assert moved == pytest.approx(3.6, rel=1e-6)


def test_several_runs_in_one_program_each_ask_for_their_own():
    optimizer = optax.sgd(1.0)
    step = make_step(of_those_there, optimizer, total_steps=1, accumulate=2)
    variables = {"params": {"w": jnp.zeros(())}, "seen": jnp.zeros(())}
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    batches = jnp.stack([NUMBERS, NUMBERS + 10.0])
    states, _ = jax.jit(jax.vmap(step, in_axes=(None, 0)))(state, batches)
    np.testing.assert_allclose(states.params["w"], [3.6, 13.6], rtol=1e-6)
    np.testing.assert_allclose(states.stats["seen"], [4.64, 4.64], rtol=1e-5)


def test_of_nothing_the_mean_is_0():
    moved, _, _ = stepped(
        lambda params, stats, batch, rng, progress: (
            params["w"] * mean_over_batch(batch.sum(), jnp.zeros(())),
            (stats, {}),
        ),
        jnp.zeros(8),
        accumulate=2,
    )
    assert moved == 0


def test_no_gradient_flows_through_what_is_asked_for():
    assert jax.grad(lambda x: x * mean_over_parts(x))(3.0) == 3.0


def test_one_key_for_the_batch_and_another_for_each_part():
    def loss(params, stats, batch, rng, progress):
        del batch, progress
        draws = {"batch": jax.random.uniform(key_of_batch(rng)), "part": jax.random.uniform(rng)}
        metrics = {name: (draw, draw**2) for name, draw in draws.items()}
        return params["w"] * 0.0, (stats, metrics)

    _, _, whole = stepped(loss, NUMBERS)
    _, _, parts = stepped(loss, NUMBERS, accumulate=2)
    _, _, devices = stepped(loss, NUMBERS, axis_name="data")
    assert whole["batch"] == whole["part"]
    for found in (parts, devices):
        np.testing.assert_allclose(found["batch"][0], 2 * whole["batch"][0], rtol=1e-6)
        total, squares = found["part"]
        assert 2 * squares > total**2 + 1e-4  # they differ


def test_what_is_not_asked_within_a_step_is_as_it_is():
    assert mean_over_parts({"a": jnp.asarray(2.0)}) == {"a": 2.0}
    key = jax.random.key(1)
    assert key_of_batch(key) is key


@pytest.mark.parametrize("parts", [{}, {"accumulate": 2}, {"accumulate": 4}, {"axis_name": "data"}])
def test_whole_numbers_have_a_mean_that_is_none(parts):
    """Five numbers in parts of 4 and 1 are 2.5 a part, not 2."""

    def counting_whole(params, stats, batch, rng, progress):
        del rng, progress
        there = ~jnp.isnan(batch)
        total = jnp.where(there, batch, 0.0).sum()
        value = -params["w"] * mean_over_batch(total, there.sum())
        return value, (stats, {"mean": (total, there.sum())})

    moved, _, _ = stepped(counting_whole, NUMBERS, **parts)
    assert moved == pytest.approx(3.6, rel=1e-6)
