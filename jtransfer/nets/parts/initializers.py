"""Kernels to start from, number for number those of `flax.linen.initializers`.

They are drawn as one long row and shaped afterwards. A program that draws along several axes draws
the same numbers, but takes XLA:CPU up to ten times as long to compile: 3 s instead of 0.3 s for the
kernel of a convolution, and every shape is another program.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

Initializer = Callable[..., jax.Array]


def he_normal(key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32) -> jax.Array:
    """Truncated normal numbers of variance 2 / inputs: He et al., ICCV 2015, equation 10.

    Args:
      key: a random key.
      shape: [..., outputs]; all axes but the last are a unit's inputs.
      dtype: of the numbers.
    """
    return _row(2 / math.prod(shape[:-1]), "truncated_normal", key, shape, dtype)


def lecun_normal(key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32) -> jax.Array:
    """Truncated normal numbers of variance 1 / inputs: LeCun et al., "Efficient BackProp", 1998.

    Args:
      key: a random key.
      shape: [..., outputs]; all axes but the last are a unit's inputs.
      dtype: of the numbers.
    """
    return _row(1 / math.prod(shape[:-1]), "truncated_normal", key, shape, dtype)


def he_normal_of_outputs(
    key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32
) -> jax.Array:
    """Normal numbers of variance 2 / outputs: He et al., ICCV 2015, equation 14.

    Args:
      key: a random key.
      shape: [..., inputs, outputs]; all axes but `inputs` are where an input goes to.
      dtype: of the numbers.
    """
    return _row(2 / (math.prod(shape) // shape[-2]), "normal", key, shape, dtype)


def in_a_row(draw: Initializer) -> Initializer:
    """An initializer that does not look at the shape, such as `flax.linen.initializers.normal`."""

    def draw_and_shape(key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32) -> jax.Array:
        return draw(key, (math.prod(shape),), dtype).reshape(shape)

    return draw_and_shape


def _row(
    variance: float,
    distribution: Literal["normal", "truncated_normal"],
    key: jax.Array,
    shape: Sequence[int],
    dtype: Any,
) -> jax.Array:
    # By Flax's own initializer, for whom the row has one input.
    draw = nn.initializers.variance_scaling(variance, "fan_in", distribution)
    return draw(key, (1, math.prod(shape)), dtype).reshape(shape)
