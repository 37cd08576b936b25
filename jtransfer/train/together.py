"""Many runs in one program: the seed, or a setting such as the rate, as an axis of the train step.

The runs share the program, the data and the number of the step. Each has its own parameters,
statistics, optimizer's state, key, and inputs of every step. A number in which they differ belongs
to one of these: a learning rate to the optimizer's state, by `optax.inject_hyperparams`; others to
the inputs, from where the loss takes them.

`fit` trains them together as it trains one: all metrics then are arrays [runs].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.train.compilation import CompiledStep, Gather, compile_step
from jtransfer.train.loop import Feed
from jtransfer.train.state import PyTree, TrainState
from jtransfer.train.step import Step

_AXES: Any = TrainState(step=None, params=0, stats=0, opt_state=0, rng=0)  # pyright: ignore


def stack_runs(states: Sequence[TrainState]) -> TrainState:
    """The states of several runs as one, with a leading axis on every leaf but `step`.

    Raises:
      ValueError: if they have not taken equally many steps.
    """
    steps = [int(state.step) for state in states]
    if len(set(steps)) != 1:
        raise ValueError(f"runs after {steps} steps; expected all at the same step")
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    return stacked.replace(step=stacked.step[0])


@jax.jit
def unstack_runs(state: TrainState) -> list[TrainState]:
    """The state of every run of `stack_runs`, in its order."""
    count = len(state.rng)
    stacked = state.replace(step=jnp.full(count, state.step))
    return [jax.tree.map(lambda leaf, i=i: leaf[i], stacked) for i in range(count)]


def compile_runs(step: Step, gather: Gather, *, steps_per_call: int = 1) -> CompiledStep:
    """Compile a step that all runs take at once, mapped by `jax.vmap`.

    Args:
      step: from `make_step`.
      gather: as for `compile_step`, of one run; every run is given the same constants.
      steps_per_call: as for `compile_step`.

    Returns:
      A step for a state from `stack_runs` and inputs from `RunsFeed`.
    """
    return compile_step(
        jax.vmap(step, in_axes=(_AXES, 0), out_axes=(_AXES, 0)),
        jax.vmap(gather, in_axes=(None, 0)),
        steps_per_call=steps_per_call,
    )


@dataclass(frozen=True)
class RunsFeed:
    """The feeds of several runs on the same data as one.

    Attributes:
      feeds: one a run, which differ in their inputs alone.
    """

    feeds: Sequence[Feed]

    @property
    def constants(self) -> PyTree:
        """Those of the first run, for all."""
        return self.feeds[0].constants

    def inputs(self, step: int) -> PyTree:
        """The inputs of every run, stacked."""
        each = [feed.inputs(step) for feed in self.feeds]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *each)
