"""Squared distances of many rows to many."""

import jax
import jax.numpy as jnp


def squared_distances(one: jax.Array, other: jax.Array) -> jax.Array:
    """Squared Euclidean distances [n, m] of rows [n, dims] and [m, dims], float32, at least 0."""
    one, other = one.astype(jnp.float32), other.astype(jnp.float32)
    products = jnp.matmul(one, other.T, precision="highest")
    lengths = jnp.square(one).sum(axis=1)[:, None] + jnp.square(other).sum(axis=1)[None]
    return jnp.maximum(lengths - 2 * products, 0.0)
