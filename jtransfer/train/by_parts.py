"""One step by several calls, each with a part of the batch in memory."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtransfer.train.accumulation import cut, divided, moved, moves
from jtransfer.train.compilation import CompiledStep, Gather
from jtransfer.train.state import PyTree, TrainState
from jtransfer.train.step import Loss, Metrics, make_step


class _Sums(NamedTuple):
    """What the parts so far have come to.

    Attributes:
      taken: how many parts.
      gradients: their sum.
      moves: sum of how they move the statistics.
      metrics: their sums.
    """

    taken: jax.Array
    gradients: PyTree
    moves: PyTree
    metrics: Metrics


def compile_step_by_parts(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    gather: Gather,
    *,
    total_steps: int,
    parts: int,
    augment: Callable[[jax.Array, PyTree], PyTree] | None = None,
) -> CompiledStep:
    """Compile a step that holds the activations of one part of its batch at a time.

    `make_step(accumulate=parts)` means the same in one program. XLA:CPU plans that with the
    activations of all parts in memory (2.3 GB for 32 images of EfficientNet-Lite0, as much as in
    one part), and in a loop its convolutions are ten times slower. Between calls nothing stays but
    the sums.

    Args:
      loss: as of `make_step`; each part's is a mean over its own examples.
      optimizer: updates the parameters, by the mean of the parts' gradients.
      gather: as of `compile_step`.
      total_steps: length of the run in steps.
      parts: that the batch is cut into.
      augment: as of `make_step`; each part has a key of its own.

    Returns:
      What `compile_step` returns. When it is called it raises ValueError if `parts` does not divide
      the examples of a batch.
    """
    one = make_step(loss, _handing_on(), total_steps=total_steps, augment=augment)

    def of_part(state: TrainState, constants: PyTree, inputs: PyTree, number: jax.Array) -> _Sums:
        part = jax.tree.map(lambda values: values[number], cut(inputs, parts))
        own = TrainState(
            step=state.step,
            params=state.params,
            stats=state.stats,
            opt_state=state.params,
            rng=jax.random.fold_in(state.rng, number),
        )
        after, metrics = one(own, gather(constants, part))
        return _Sums(
            jnp.ones_like(number), after.opt_state, moves(state.stats, after.stats), metrics
        )

    def start(state: TrainState, constants: PyTree, inputs: PyTree) -> _Sums:
        shapes = jax.eval_shape(of_part, state, constants, inputs, state.step)
        return jax.tree.map(lambda each: jnp.zeros(each.shape, each.dtype), shapes)

    def add(sums: _Sums, state: TrainState, constants: PyTree, inputs: PyTree) -> _Sums:
        return jax.tree.map(jnp.add, sums, of_part(state, constants, inputs, sums.taken))

    def update(state: TrainState, sums: _Sums) -> tuple[TrainState, Metrics]:
        gradients, mean_moves = divided((sums.gradients, sums.moves), parts)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        stats = moved(state.stats, mean_moves)
        return TrainState(state.step + 1, params, stats, opt_state, state.rng), sums.metrics

    compiled_start, compiled_add = jax.jit(start), jax.jit(add, donate_argnums=0)
    compiled_update = jax.jit(update, donate_argnums=0)

    def call(state: TrainState, constants: PyTree, inputs: PyTree) -> tuple[TrainState, Metrics]:
        placed = jax.device_put(inputs)
        sums = compiled_start(state, constants, placed)
        for _ in range(parts):
            sums = compiled_add(sums, state, constants, placed)
        return compiled_update(state, sums)

    return call


def _handing_on() -> optax.GradientTransformation:
    """Moves nothing; its state is the gradient that it was given."""

    def update(updates: PyTree, state: PyTree, params: PyTree = None) -> tuple[PyTree, PyTree]:
        del state, params
        return jax.tree.map(jnp.zeros_like, updates), updates

    return optax.GradientTransformation(lambda params: params, update)
