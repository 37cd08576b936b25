"""What a loss knows of the whole batch where it is given a part of it.

A step may cut its batch into parts, one after the other in memory or one on each device, and takes
the mean of what they give. That is the whole batch's only if every number that belongs to the whole
batch, such as by how many labels a sum is divided, is the same in all parts.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.state import PyTree

Mean = Callable[[PyTree], PyTree]

# JAX's own kind of context, so that what is traced for a part is not taken for something else.
_context = jax.make_user_context(None)


def mean_over_parts(values: PyTree) -> PyTree:
    """The mean of values over the parts of the batch; the values themselves where it is in one.

    For the losses of `make_step`: what a loss is told by this is the same in every part. A number
    of examples need not be asked for, since all parts are of one size.

    Where parts follow one another in memory, each value that is asked for takes one more pass over
    them, which computes what it depends on and nothing else.

    Args:
      values: tree of arrays of numbers; no gradient flows through them. The mean of whole numbers
        is none, so they come back as floats.
    """
    values = jax.tree.map(_as_floats, lax.stop_gradient(values))
    parts: _Parts | None = _context.value
    return values if parts is None or parts.mean is None else parts.mean(values)


def key_of_batch(key: jax.Array) -> jax.Array:
    """The key of the whole batch, the same in all its parts, where a loss is given a part's.

    For what is drawn once a batch, whereas each example should have a dropout of its own.
    """
    parts: _Parts | None = _context.value
    return key if parts is None or parts.key is None else parts.key


def mean_over_batch(total: jax.Array, count: jax.Array) -> jax.Array:
    """What a part of the batch adds to a mean over all of it, as a share of the parts' mean.

    The mean of this over the parts is the whole batch's sum divided by its count, however unevenly
    the count is spread over them; 0 where there is nothing to count.

    Args:
      total: sum over the examples of the part.
      count: how many went into it, which may be 0.
    """
    count = mean_over_parts(count)
    return total / jnp.where(count > 0, count, 1.0)


@contextmanager
def in_parts(mean: Mean, key: jax.Array) -> Iterator[None]:
    """Within, `mean_over_parts` is this function and `key_of_batch` this key."""
    parts = _Parts(mean, key)
    try:
        with _context(parts):
            yield
    finally:
        parts.mean = parts.key = None  # the caches of JAX keep what was the context


class Asked(Exception):
    """A loss has asked for a mean that is not known yet.

    Attributes:
      values: of its part.
    """

    def __init__(self, values: PyTree):
        super().__init__("a mean over the parts of a batch that is not known yet")
        self.values = values


def known(answers: Sequence[PyTree]) -> Mean:
    """Gives the answers one after the other, and raises `Asked` when there are no more."""
    left = iter(answers)

    def mean(values: PyTree) -> PyTree:
        answer = next(left, None)
        if answer is None:
            raise Asked(values)
        return answer

    return mean


def _as_floats(values: jax.Array) -> jax.Array:
    return jnp.asarray(values, jnp.result_type(values, float))


class _Parts:
    """Hashed by what it is, not by what it holds."""

    def __init__(self, mean: Mean, key: jax.Array):
        self.mean: Mean | None = mean
        self.key: jax.Array | None = key
