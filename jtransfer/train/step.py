"""The one train step of all methods."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jtransfer.train.accumulation import answers_over, cut, divided, moved, moves, sum_over
from jtransfer.train.frozen import frozen_at_test_time, frozen_held
from jtransfer.train.state import PyTree, TrainState
from jtransfer.train.whole_batch import Mean, in_parts, known

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
        False, and a module of which nothing moves behaves as at test time in training too: it drops
        nothing and its statistics stay. None: all move.
      augment: `augment(key, batch) -> batch`, changes the batch at random before the loss sees it.
      accumulate: parts that the batch is cut into, one after the other in memory: the mean is taken
        of their gradients and of how they move the statistics, and their metrics are summed. It is
        the step of the whole batch for the losses of `jtransfer.transfer`, but for those that
        compare the examples of a batch with each other (`penalised_loss`: Deep CORAL, DAN, JAN,
        DeepJDOT, MCC), and for any that is a mean over the examples or divides by `mean_over_parts`
        of what it counts. Two things differ:
        each part has random numbers of its own, and batch norm normalises by its part's statistics,
        so the running variance lacks the variance between the parts.
      axis_name: of the mapped axis if the step runs under `pmap`, each device on its share of the
        batch; the shares are parts as those of `accumulate` are.

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

    def over_devices(values: PyTree) -> PyTree:
        return values if axis_name is None else lax.pmean(values, axis_name)

    def step(state: TrainState, batch: PyTree) -> tuple[TrainState, Metrics]:
        rng = of_batch = jax.random.fold_in(state.rng, state.step)
        if axis_name is not None:
            rng = jax.random.fold_in(rng, lax.axis_index(axis_name))
        if augment is not None:
            of_batch = jax.random.split(of_batch)[1]
            key, rng = jax.random.split(rng)
            batch = augment(key, batch)
        progress = state.step / total_steps

        def evaluate(mean: Mean, batch: PyTree, rng: jax.Array, params: PyTree = state.params):
            with in_parts(mean, of_batch), frozen_at_test_time(trainable):
                value, (stats, metrics) = loss(params, state.stats, batch, rng, progress)
            return value, (frozen_held(state.stats, stats, trainable), metrics)

        def gradient(mean: Mean, batch: PyTree, rng: jax.Array):
            def of_params(params: PyTree):
                if trainable is not None:
                    # Gradients of frozen leaves become constants; XLA drops what led to them.
                    params = jax.tree.map(
                        lambda leaf, moves: leaf if moves else lax.stop_gradient(leaf),
                        params,
                        trainable,
                    )
                return evaluate(mean, batch, rng, params)

            differentiate = jax.value_and_grad(of_params, has_aux=True)
            (value, (stats, metrics)), gradients = differentiate(state.params)
            return gradients, stats, {"loss": (value, jnp.ones(())), **metrics}

        def of_part(batch: PyTree, rng: jax.Array):
            gradients, stats, metrics = gradient(known(answers), batch, rng)
            return gradients, moves(state.stats, stats), metrics

        if accumulate == 1:
            gradients, stats, metrics = gradient(over_devices, batch, rng)
        else:
            parts = cut(batch, accumulate), jax.random.split(rng, accumulate)
            answers = answers_over(parts, accumulate, evaluate, over_devices)
            *sums, metrics = sum_over(parts, of_part)
            gradients, mean_moves = divided(sums, accumulate)
            stats = moved(state.stats, mean_moves)
        if axis_name is not None:
            # Of the statistics the mean move, which is 0 to the bit where none moves.
            own = gradients, moves(state.stats, stats)
            gradients, mean_moves = lax.pmean(own, axis_name)
            stats = moved(state.stats, mean_moves)
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
