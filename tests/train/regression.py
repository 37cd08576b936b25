"""A tiny regression that the tests of the engine train: noisy, so that keys matter."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step

TOTAL_STEPS = 60
OPTIMIZER = optax.adam(1e-2)


def loss(params, stats, batch, rng, progress):
    """Mean squared error on noisy inputs; the statistics count the steps."""
    inputs, outputs = batch
    noisy = inputs + 0.1 * jax.random.normal(rng, inputs.shape)
    errors = jnp.square(noisy @ params["w"] + params["b"] - outputs)
    count = jnp.asarray(errors.size, jnp.float32)
    metrics = {"error": (errors.sum(), count), "progress": (progress, jnp.ones(()))}
    return errors.mean(), ({"seen": stats["seen"] + 1.0}, metrics)


def gather(constants, inputs):
    """Rows at the given positions."""
    return tuple(values[inputs] for values in constants)


@dataclass
class Feed:
    """Forty rows, eight a step; a step in `poisoned` gets the row whose output is NaN."""

    poisoned: tuple[int, ...] = ()

    @property
    def constants(self):
        random = np.random.default_rng(0)
        inputs = random.normal(size=(41, 3)).astype(np.float32)
        outputs = (inputs @ [1.0, -2.0, 0.5] + 3.0).astype(np.float32)
        outputs[40] = np.nan
        return jnp.asarray(inputs), jnp.asarray(outputs)

    def inputs(self, step):
        positions = np.random.default_rng(step).integers(0, 40, size=8).astype(np.int32)
        if step in self.poisoned:
            positions[0] = 40
        return positions


def initial_state():
    """Zero parameters, zero steps."""
    variables = {
        "params": {"w": jnp.zeros(3), "b": jnp.zeros(1)},
        "seen": jnp.zeros(()),
    }
    return TrainState.create(variables, OPTIMIZER, rng=jax.random.key(7))


def plain_step(**options):
    """The step, not compiled."""
    return make_step(loss, OPTIMIZER, total_steps=TOTAL_STEPS, **options)


def compiled_step(**options):
    """The step, compiled."""
    return compile_step(plain_step(), gather, **options)


def go_on(folder, steps, mesh):
    """Train to so many steps from the newest checkpoint, if any: the first step, and the state."""
    with Checkpoints(folder) as checkpoints:
        state = initial_state()
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        options = {"steps": steps, "checkpoints": checkpoints, "mesh": mesh}
        return first, fit(compiled_step(mesh=mesh), state, Feed(), **options)
