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
    accumulate: int = 1,
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
      accumulate: parts that the batch is cut into, one after the other in memory: their gradients
        are averaged, their metrics summed, and the statistics go from part to part. Without batch
        norm it is the step of the whole batch, if the loss is a mean over the examples.
      axis_name: of the mapped axis if the step runs under `pmap`, each device on its share of the
        batch: gradients and statistics are averaged over it and metrics summed.

    Returns:
      `step(state, batch) -> (state, metrics)`; the metrics gain the `loss` itself.

    Raises:
      ValueError: if a number is below 1; when the step is traced, if `accumulate` does not divide
        the examples of a batch.
    """
    if total_steps < 1:
        raise ValueError(f"total_steps is {total_steps}; a run takes at least one step")
    if accumulate < 1:
        raise ValueError(f"accumulate is {accumulate}; a batch is cut into at least one part")

    def step(state: TrainState, batch: PyTree) -> tuple[TrainState, Metrics]:
        rng = jax.random.fold_in(state.rng, state.step)
        if axis_name is not None:
            rng = jax.random.fold_in(rng, lax.axis_index(axis_name))
        if augment is not None:
            key, rng = jax.random.split(rng)
            batch = augment(key, batch)
        progress = state.step / total_steps

        def gradient(stats: PyTree, batch: PyTree, rng: jax.Array):
            def of_params(params: PyTree):
                if trainable is not None:
                    # Gradients of frozen leaves become constants; XLA drops what led to them.
                    params = jax.tree.map(
                        lambda leaf, moves: leaf if moves else lax.stop_gradient(leaf),
                        params,
                        trainable,
                    )
                return loss(params, stats, batch, rng, progress)

            evaluate = jax.value_and_grad(of_params, has_aux=True)
            (value, (stats, metrics)), gradients = evaluate(state.params)
            return gradients, stats, {"loss": (value, jnp.ones(())), **metrics}

        if accumulate == 1:
            gradients, stats, metrics = gradient(state.stats, batch, rng)
        else:
            gradients, stats, metrics = _over_parts(gradient, accumulate, state, batch, rng)
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


def _over_parts(
    gradient: Callable[..., tuple[PyTree, PyTree, Metrics]],
    count: int,
    state: TrainState,
    batch: PyTree,
    rng: jax.Array,
) -> tuple[PyTree, PyTree, Metrics]:
    """Mean gradients, last statistics and summed metrics over `count` parts of the batch."""

    def cut(values: jax.Array) -> jax.Array:
        if values.ndim == 0 or values.shape[0] % count:
            raise ValueError(
                f"a batch with an array of shape {values.shape} does not split into "
                f"accumulate={count} equal parts; expected a multiple of {count} examples. "
                "Choose a batch that it divides"
            )
        # Every count-th example: over a mesh each device then holds its share of every part.
        return values.reshape(-1, count, *values.shape[1:]).swapaxes(0, 1)

    def add(carry: PyTree, part: PyTree):
        sums, stats = carry
        gradients, stats, metrics = gradient(stats, *part)
        return (jax.tree.map(jnp.add, sums, gradients), stats), metrics

    parts = (jax.tree.map(cut, batch), jax.random.split(rng, count))
    zeros = jax.tree.map(jnp.zeros_like, state.params)
    # XLA:CPU is many times slower at convolutions inside a loop.
    unroll = jax.default_backend() == "cpu"
    (sums, stats), metrics = lax.scan(add, (zeros, state.stats), parts, unroll=unroll)
    mean = jax.tree.map(lambda total: total / count, sums)
    return mean, stats, jax.tree.map(lambda values: values.sum(axis=0), metrics)
