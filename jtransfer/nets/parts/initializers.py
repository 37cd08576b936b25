"""Kernels to start from, number for number those of `flax.linen.initializers` of the same names.

They are drawn as one long row and shaped afterwards. A program that draws along several axes draws
the same numbers, but takes XLA:CPU up to ten times as long to compile: 3 s instead of 0.3 s for the
kernel of a convolution, and every shape is another program.
"""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


def he_normal(key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32) -> jax.Array:
    """Truncated normal numbers of variance 2 / inputs: He et al., ICCV 2015, equation 10.

    Args:
      key: a random key.
      shape: [..., outputs]; all axes but the last are a unit's inputs.
      dtype: of the numbers.
    """
    return _of_inputs(2.0, key, shape, dtype)


def lecun_normal(key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32) -> jax.Array:
    """Truncated normal numbers of variance 1 / inputs: LeCun et al., "Efficient BackProp", 1998.

    Args:
      key: a random key.
      shape: [..., outputs]; all axes but the last are a unit's inputs.
      dtype: of the numbers.
    """
    return _of_inputs(1.0, key, shape, dtype)


def normal(key: jax.Array, shape: Sequence[int], dtype: Any = jnp.float32) -> jax.Array:
    """Standard normal numbers; also what `jax.random.normal` gives for the shape."""
    return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)


def _of_inputs(scale: float, key: jax.Array, shape: Sequence[int], dtype: Any) -> jax.Array:
    # Of Flax's own initializer the row is the only unit with one input, hence the division here.
    row = (1, math.prod(shape))
    draw = nn.initializers.variance_scaling(
        scale / math.prod(shape[:-1]), "fan_in", "truncated_normal"
    )
    return draw(key, row, dtype).reshape(shape)
