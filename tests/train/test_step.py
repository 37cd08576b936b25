import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step


def quadratic(params, stats, batch, rng, progress):
    del rng
    value = (params["a"] * batch - 1.0) ** 2 + 5.0 * params["b"] * progress
    return value, (stats, {"progress": (progress, jnp.ones(()))})


def state_of(optimizer):
    params = {"a": jnp.asarray(2.0), "b": jnp.asarray(1.0)}
    return TrainState.create({"params": params}, optimizer, rng=jax.random.key(0))


def test_a_step_by_hand():
    optimizer = optax.sgd(0.1)
    step = jax.jit(make_step(quadratic, optimizer, total_steps=4))
    state, metrics = step(state_of(optimizer), jnp.asarray(3.0))
    # d/da (3a - 1)^2 = 6 (3a - 1) = 30 at a = 2; d/db = 5 p = 0 at the first step
    np.testing.assert_allclose(state.params["a"], 2.0 - 0.1 * 30, rtol=1e-6)
    assert state.params["b"] == 1.0
    assert metrics["loss"] == (25.0, 1.0)
    state, metrics = step(state, jnp.asarray(0.0))
    np.testing.assert_allclose(state.params["b"], 1.0 - 0.1 * 5 * 0.25, rtol=1e-6)
    assert metrics["progress"] == (0.25, 1.0)
    assert state.step == 2
    assert state.step.dtype == jnp.int32


def test_no_gradient_is_computed_for_what_is_not_trainable():
    def loss(params, stats, batch, rng, progress):
        del rng, progress
        return (params["head"] @ (params["trunk"] @ batch)).sum(), (stats, {})

    params = {"trunk": jnp.ones((64, 64)), "head": jnp.ones((2, 64))}
    optimizer = optax.sgd(0.0)
    state = TrainState.create({"params": params}, optimizer, rng=jax.random.key(0))

    def flops(trainable):
        step = make_step(loss, optimizer, total_steps=1, trainable=trainable)
        compiled = jax.jit(step).lower(state, jnp.ones((64, 32))).compile()
        return compiled.cost_analysis()["flops"]

    product = 2 * 64 * 64 * 32
    saved = flops(None) - flops({"trunk": False, "head": True})
    assert saved >= product


def test_a_run_takes_a_step():
    with pytest.raises(ValueError, match="total_steps is 0"):
        make_step(quadratic, optax.sgd(0.1), total_steps=0)


def test_augmentation_changes_what_the_loss_sees_by_the_steps_key():
    """The batch is 0; the loss reports its mean, which is the draw of the step's own key."""

    def loss(params, stats, batch, rng, progress):
        del rng, progress
        return params["w"].sum() * 0.0 + batch.mean(), (stats, {})

    optimizer = optax.sgd(0.1)
    step = make_step(
        loss,
        optimizer,
        total_steps=5,
        augment=lambda key, batch: batch + jax.random.normal(key, batch.shape),
    )
    state = TrainState.create({"params": {"w": jnp.ones(2)}}, optimizer, rng=jax.random.key(7))
    seen = []
    for number in range(2):
        state, metrics = step(state, jnp.zeros(3))
        key, _ = jax.random.split(jax.random.fold_in(jax.random.key(7), number))
        assert float(metrics["loss"][0]) == pytest.approx(
            float(jax.random.normal(key, (3,)).mean()), abs=1e-6
        )
        seen.append(float(metrics["loss"][0]))
    assert seen[0] != seen[1]
