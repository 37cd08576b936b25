"""Attention that is fast on every backend (Vaswani et al. 2017, section 3.2.1)."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax


def attention(
    query: jax.Array, key: jax.Array, value: jax.Array, *, causal: bool = False
) -> jax.Array:
    """Values weighted by the softmax of query · key / sqrt(d).

    Accelerators take the kernels that JAX has for them, by `jax.nn.dot_product_attention`. XLA's
    CPU backend copies that one's scores and their gradients from one order of axes to another;
    there they are products of matrices, one a head and example.

    Args:
      query: [batch, tokens, heads, d].
      key: as `query`.
      value: as `query`.
      causal: whether a token sees only itself and those before it.

    Returns:
      As `query`.
    """
    return lax.platform_dependent(
        query,
        key,
        value,
        cpu=partial(_by_heads, causal=causal),
        default=partial(jax.nn.dot_product_attention, is_causal=causal),
    )


def _by_heads(query, key, value, *, causal):
    # Behind the barriers each is brought into the order of the heads once, and so are gradients.
    query, key, value = lax.optimization_barrier(
        tuple(each.swapaxes(1, 2) for each in (query, key, value))
    )
    # As jax.nn.dot_product_attention: scores and their softmax are in float32 at least.
    precise = jnp.promote_types(query.dtype, jnp.float32)
    scores = _products(query * query.shape[-1] ** -0.5, key, 3, precise)
    if causal:
        seen = jnp.tri(*scores.shape[-2:], dtype=bool)[None, None]
        scores = jnp.where(seen, scores, jnp.finfo(precise).min)
    weights = jax.nn.softmax(scores).astype(value.dtype)
    return lax.optimization_barrier(_products(weights, value, 2, None)).swapaxes(1, 2)


def _products(left, right, axis, dtype):
    """Of the last axis of `left` with that axis of `right`, for every example and head."""
    axes = (((3,), (axis,)), ((0, 1), (0, 1)))
    return lax.dot_general(left, right, axes, preferred_element_type=dtype)
