"""The state of a training run: one frozen pytree."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

PyTree = Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """All that changes while a run trains, and all that a resumed run needs.

    Attributes:
      step: number of steps taken, an int32 array (a Python int would compile the step twice).
      params: the parameter tree.
      stats: the tree of mutable Flax collections such as `batch_stats`; empty if there are none.
      opt_state: the optimizer's state.
      rng: the run's typed key; the key of a step is `fold_in(rng, step)`.
    """

    step: jax.Array
    params: PyTree
    stats: PyTree
    opt_state: PyTree
    rng: jax.Array

    @classmethod
    def create(
        cls, variables: PyTree, optimizer: optax.GradientTransformation, *, rng: jax.Array
    ) -> "TrainState":
        """The state before the first step.

        Args:
          variables: what a Flax module's `init` returns: `params` and any mutable collections.
          optimizer: the optax transformation that will update the parameters.
          rng: typed key that all the run's randomness is derived from.
        """
        return _created(variables, optimizer, rng)

    def replace(self, **changes: Any) -> "TrainState":
        """A copy with some fields changed."""
        return replace(self, **changes)


@partial(jax.jit, static_argnums=1)
def _created(
    variables: PyTree, optimizer: optax.GradientTransformation, rng: jax.Array
) -> TrainState:
    # A copy: the step donates its state, and donation deletes whatever shares its memory.
    variables = jax.tree.map(jnp.array, variables)
    params = variables["params"]
    stats = {name: tree for name, tree in variables.items() if name != "params"}
    step = jnp.zeros((), jnp.int32)
    return TrainState(step, params, stats, optimizer.init(params), jax.random.clone(rng))
