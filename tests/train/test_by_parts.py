import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.by_parts import compile_step_by_parts
from jtransfer.train.compilation import compile_step
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step

IMAGES = np.arange(24.0, dtype=np.float32).reshape(12, 2)
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9))


def loss(params, stats, batch, rng, progress):
    """Noise of its own for every part; statistics that move by what the part holds."""
    error = batch["x"] @ params["w"] - 1 + progress
    noise = jax.random.normal(rng, error.shape) * 0.0
    seen = {"looks": stats["seen"]["looks"] + 1, "mean": 0.5 * batch["x"].mean()}
    metrics = {"error": (jnp.abs(error).sum(), jnp.float32(len(error)))}
    return ((error + noise) ** 2).mean(), ({"seen": seen}, metrics)


def stepped(compiled, steps=2):
    variables = {
        "params": {"w": jnp.array([0.5, -0.3])},
        "seen": {"looks": jnp.int32(0), "mean": jnp.zeros(())},
    }
    state, metrics = TrainState.create(variables, OPTIMIZER, rng=jax.random.key(0)), {}
    with jax.transfer_guard("disallow"):
        for _ in range(steps):
            state, metrics = compiled(state, (), {"x": IMAGES})
    return state, metrics


def by_parts(parts, **settings):
    settings = {"total_steps": 4, "parts": parts} | settings
    return compile_step_by_parts(loss, OPTIMIZER, lambda _, inputs: inputs, **settings)


@pytest.mark.parametrize("parts", [1, 3, 12])
def test_parts_called_one_by_one_are_the_step_of_the_whole_batch(parts):
    whole = compile_step(make_step(loss, OPTIMIZER, total_steps=4), lambda _, inputs: inputs)
    (expected, of_whole), (found, metrics) = stepped(whole), stepped(by_parts(parts))
    assert found.step == expected.step == 2
    assert found.step.dtype == jnp.int32
    # The whole batch ends where it stands after its only look, a part where they stand on average.
    assert found.stats["seen"]["looks"] == 2
    np.testing.assert_allclose(found.stats["seen"]["mean"], 0.5 * 11.5, rtol=1e-6)
    np.testing.assert_allclose(found.params["w"], expected.params["w"], rtol=1e-5)
    np.testing.assert_allclose(metrics["error"][0], of_whole["error"][0], rtol=1e-5)
    assert metrics["error"][1] == 12
    assert metrics["loss"][1] == parts


def test_each_part_is_augmented_by_a_key_of_its_own():
    """Each part's image is replaced by its key's draw, which the statistics then hold."""

    def draw(key, batch):
        return {"x": jnp.full_like(batch["x"], jax.random.uniform(key))}

    state, _ = stepped(by_parts(3, augment=draw), steps=1)
    keys = [jax.random.fold_in(jax.random.fold_in(jax.random.key(0), n), 0) for n in range(3)]
    draws = [jax.random.uniform(jax.random.split(key)[0]) for key in keys]
    assert len({float(each) for each in draws}) == 3
    np.testing.assert_allclose(state.stats["seen"]["mean"], 0.5 * np.mean(draws), rtol=1e-6)


def test_parts_must_divide_the_batch():
    with pytest.raises(ValueError, match="does not split into accumulate=5 equal parts"):
        stepped(by_parts(5))
