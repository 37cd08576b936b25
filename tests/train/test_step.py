import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from tests.draws import normal


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


def accumulated(accumulate, *, augment=None, steps=2):
    """Metrics and parameters of a step on eight rows of the regression without its noise."""

    def loss(params, stats, batch, rng, progress):
        del rng, progress
        inputs, outputs = batch
        errors = jnp.square(inputs @ params["w"] - outputs)
        count = jnp.asarray(errors.size, jnp.float32)
        seen = 0.9 * stats["seen"] + 0.1 * inputs.mean()
        moved = {"seen": seen, "looks": stats["looks"] + 1, "start": stats["start"]}
        return errors.mean(), (moved, {"error": (errors.sum(), count)})

    optimizer = optax.sgd(0.1, momentum=0.9)
    step = jax.jit(
        make_step(loss, optimizer, total_steps=5, accumulate=accumulate, augment=augment)
    )
    start = {"seen": jnp.ones(()), "looks": jnp.zeros((), jnp.int32), "start": jnp.asarray(0.1)}
    variables = {"params": {"w": jnp.ones(3)}, **start}
    state = TrainState.create(variables, optimizer, rng=jax.random.key(7))
    inputs = normal(0, (8, 3))
    metrics = {}
    for _ in range(steps):
        state, metrics = step(state, (inputs, inputs.sum(axis=1) + 1.0))
    return state, metrics


@pytest.mark.parametrize(
    "augment", [None, lambda key, batch: (batch[0] + jax.random.normal(key, (8, 3)), batch[1])]
)
def test_accumulated_over_parts_it_is_the_step_of_the_whole_batch(augment):
    (whole, metrics), (parts, summed) = (accumulated(count, augment=augment) for count in (1, 4))
    assert parts.stats["looks"] == whole.stats["looks"] == 2
    assert parts.stats["start"] == whole.stats["start"] == jnp.float32(0.1)
    np.testing.assert_allclose(parts.params["w"], whole.params["w"], rtol=1e-5)
    np.testing.assert_allclose(parts.stats["seen"], whole.stats["seen"], rtol=1e-5)
    np.testing.assert_allclose(summed["error"], metrics["error"], rtol=1e-5)
    assert summed["error"][1] == 8
    assert summed["loss"][1] == 4
    np.testing.assert_allclose(summed["loss"][0] / 4, metrics["loss"][0], rtol=1e-5)


def test_parts_are_every_third_example_with_keys_of_their_own():
    """A part's statistics name its examples, its loss the draw of its key: both are averaged."""

    def loss(params, stats, batch, rng, progress):
        del progress
        seen = batch @ jnp.array([10.0, 1.0])
        draw = jax.random.uniform(rng)
        return params["w"] * draw, ({"seen": seen}, {"draw": (draw, jnp.ones(()))})

    optimizer = optax.sgd(1.0)
    step = make_step(loss, optimizer, total_steps=5, accumulate=3)
    variables = {"params": {"w": jnp.zeros(())}, "seen": jnp.zeros(())}
    state = TrainState.create(variables, optimizer, rng=jax.random.key(7))
    state, metrics = step(state, jnp.arange(1.0, 7.0))
    keys = jax.random.split(jax.random.fold_in(jax.random.key(7), 0), 3)
    draws = [float(jax.random.uniform(key)) for key in keys]
    np.testing.assert_allclose(metrics["draw"], (sum(draws), 3), rtol=1e-6)
    np.testing.assert_allclose(state.params["w"], -sum(draws) / 3, rtol=1e-6)
    np.testing.assert_allclose(state.stats["seen"], (14 + 25 + 36) / 3, rtol=1e-6)


def test_on_cpu_the_parts_are_not_in_a_loop():
    def loss(params, stats, batch, rng, progress):
        return quadratic(params, stats, batch.mean(), rng, progress)

    step = make_step(loss, optax.sgd(0.1), total_steps=5, accumulate=2)
    lowered = jax.jit(step).lower(state_of(optax.sgd(0.1)), jnp.ones(4))
    assert "while" not in lowered.compile().as_text()


@pytest.mark.parametrize(
    ("accumulate", "message"),
    [
        (3, r"an array of shape \(8, 3\) does not split into accumulate=3 equal parts"),
        (0, "accumulate is 0; a batch is cut into at least one part"),
    ],
)
def test_parts_must_divide_the_batch(accumulate, message):
    with pytest.raises(ValueError, match=message):
        accumulated(accumulate)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("axis_name", [None, "data"])
def test_counters_and_yes_or_no_among_the_statistics_keep_their_types(accumulate, axis_name):
    """A float in the place of a counter would have the next step compiled anew, and end at 2^24."""
    kept = {"n": jnp.int32(2**24 + 1), "byte": jnp.uint8(255), "begun": jnp.array(False)}

    def counting(params, stats, batch, rng, progress):
        del rng, progress
        seen = stats["seen"]
        seen = {"n": seen["n"] + 1, "byte": seen["byte"] + 1, "begun": ~seen["begun"]}
        return (params["a"] * batch).mean(), ({"seen": seen}, {})

    optimizer = optax.sgd(0.1)
    step = make_step(counting, optimizer, total_steps=1, accumulate=accumulate, axis_name=axis_name)
    variables = {"params": {"a": jnp.ones(())}, "seen": kept}
    state, batch = TrainState.create(variables, optimizer, rng=jax.random.key(0)), jnp.ones(4)
    if axis_name is None:
        after, _ = jax.jit(step)(state, batch)
    else:
        mapped = jax.pmap(
            step, axis_name, in_axes=(None, 0), out_axes=None, devices=jax.devices()[:2]
        )
        after, _ = mapped(state, batch.reshape(2, -1))
    seen = after.stats["seen"]
    assert {name: leaf.dtype for name, leaf in seen.items()} == {
        name: leaf.dtype for name, leaf in kept.items()
    }
    assert {name: leaf.tolist() for name, leaf in seen.items()} == {
        "n": 2**24 + 2,
        "byte": 0,
        "begun": True,
    }
