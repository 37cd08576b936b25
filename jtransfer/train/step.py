"""The one train step of all methods."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jtransfer.train.state import PyTree, TrainState

Metrics = dict[str, tuple[jax.Array, jax.Array]]
Loss = Callable[..., tuple[jax.Array, tuple[PyTree, Metrics]]]
Step = Callable[[TrainState, PyTree], tuple[TrainState, Metrics]]


def make_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    *,
    total_steps: int,
    trainable: PyTree | None = None,
    augment: Callable[[jax.Array, PyTree], PyTree] | None = None,
    axis_name: str | None = None,
) -> Step:
    """One gradient step as a pure function.

    Args:
      loss: `loss(params, stats, batch, rng, progress) -> (scalar, (new_stats, metrics))`, where
        `progress` runs from 0 to 1 over training and each metric is a (sum, count) pair.
      optimizer: updates the parameters.
      total_steps: length of the run in steps, the denominator of `progress`.
      trainable: tree of booleans like the parameters; no gradient is computed for those that are
        False. None: all move.
      augment: `augment(key, batch) -> batch`, changes the batch at random before the loss sees it.
      axis_name: of the mapped axis if the step runs under `pmap`, each device on its share of the
        batch: gradients and statistics are averaged over it and metrics summed.

    Returns:
      `step(state, batch) -> (state, metrics)`; the metrics gain the `loss` itself.
    """
    if total_steps < 1:
        raise ValueError(f"total_steps is {total_steps}; a run takes at least one step")

    def step(state: TrainState, batch: PyTree) -> tuple[TrainState, Metrics]:
        rng = jax.random.fold_in(state.rng, state.step)
        if axis_name is not None:
            rng = jax.random.fold_in(rng, lax.axis_index(axis_name))
        if augment is not None:
            key, rng = jax.random.split(rng)
            batch = augment(key, batch)
        progress = state.step / total_steps

        def of_params(params: PyTree):
            if trainable is not None:
                # Gradients of frozen leaves become constants, and XLA drops what led to them.
                params = jax.tree.map(
                    lambda leaf, moves: leaf if moves else lax.stop_gradient(leaf),
                    params,
                    trainable,
                )
            return loss(params, state.stats, batch, rng, progress)

        (value, (stats, metrics)), gradients = jax.value_and_grad(of_params, has_aux=True)(
            state.params
        )
        metrics = {"loss": (value, jnp.ones(())), **metrics}
        if axis_name is not None:
            gradients, stats = lax.pmean((gradients, stats), axis_name)
            metrics = lax.psum(metrics, axis_name)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        new_state = TrainState(
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            stats=stats,
            opt_state=opt_state,
            rng=state.rng,
        )
        return new_state, metrics

    return step
