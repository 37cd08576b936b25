"""A batch cut into parts that follow one another in memory."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.state import PyTree
from jtransfer.train.whole_batch import Asked, Mean, known


def cut(batch: PyTree, count: int) -> PyTree:
    """Arrays [n, ...] as [count, n / count, ...].

    A part is every count-th example: over a mesh each device then holds its share of every part.

    Raises:
      ValueError: if `count` does not divide the examples.
    """

    def split(values: jax.Array) -> jax.Array:
        if values.ndim == 0 or values.shape[0] % count:
            raise ValueError(
                f"a batch with an array of shape {values.shape} does not split into "
                f"accumulate={count} equal parts; expected a multiple of {count} examples. "
                "Choose a batch that it divides"
            )
        return values.reshape(-1, count, *values.shape[1:]).swapaxes(0, 1)

    return jax.tree.map(split, batch)


def sum_over(parts: PyTree, function: Callable[..., PyTree]) -> PyTree:
    """Sum of what a function makes of each of the parts, a tree of arrays or None.

    Args:
      parts: arguments of the function, all with a leading axis.
      function: pure.
    """
    first = jax.tree.map(lambda values: values[0], parts)
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(function, *first)
    )

    def add(sums: PyTree, part: PyTree) -> tuple[PyTree, None]:
        return jax.tree.map(jnp.add, sums, function(*part)), None

    # XLA:CPU is many times slower at convolutions inside a loop.
    return lax.scan(add, zeros, parts, unroll=jax.default_backend() == "cpu")[0]


def divided(sums: PyTree, count: int) -> PyTree:
    """The sums over so many; of integers, of which all parts have the same, integers."""

    def mean(total: jax.Array) -> jax.Array:
        return total / count if jnp.issubdtype(total.dtype, jnp.inexact) else total // count

    return jax.tree.map(mean, sums)


def moves(before: PyTree, after: PyTree) -> PyTree:
    """How far statistics have moved, for a mean over parts: of counters and of yes or no too."""

    def move(old: jax.Array, new: jax.Array) -> jax.Array:
        whole = not jnp.issubdtype(old.dtype, jnp.inexact)
        return jnp.int32(new) - jnp.int32(old) if whole else new - old

    return jax.tree.map(move, before, after)


def moved(before: PyTree, moves: PyTree) -> PyTree:
    """The statistics after these moves, of the types that they had."""

    def at(old: jax.Array, move: jax.Array) -> jax.Array:
        whole = not jnp.issubdtype(old.dtype, jnp.inexact)
        return (jnp.int32(old) + jnp.int32(move)).astype(old.dtype) if whole else old + move

    return jax.tree.map(at, before, moves)


def answers_over(
    parts: PyTree, count: int, evaluate: Callable[..., Any], over_devices: Mean
) -> list[PyTree]:
    """What a loss asks for of the whole batch, in turn: a question may depend on the answers.

    Args:
      parts: as for `sum_over`.
      count: how many.
      evaluate: `evaluate(mean, *part)` runs the loss with this `mean_over_parts`.
      over_devices: the mean over the devices that have parts of the batch.
    """
    answers: list[PyTree] = []

    def ask(knowing: list[PyTree], *part: Any) -> PyTree:
        try:
            evaluate(known(knowing), *part)
        except Asked as asked:
            return asked.values
        return None

    # A function of its own for every round: JAX remembers what it made of one.
    while (asked := sum_over(parts, partial(ask, list(answers)))) is not None:
        answers.append(over_devices(divided(asked, count)))
    return answers
