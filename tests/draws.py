"""Numbers for tests, drawn by NumPy: JAX compiles a program for every shape that it draws."""

import jax
import jax.numpy as jnp
import numpy as np


def normal(seed: int, shape: tuple[int, ...]) -> jax.Array:
    """Standard normal float32 numbers."""
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def uniform(seed: int, shape: tuple[int, ...]) -> jax.Array:
    """Float32 numbers from 0 to 1."""
    return jnp.asarray(np.random.default_rng(seed).random(shape), jnp.float32)


def integers(seed: int, shape: tuple[int, ...], below: int) -> jax.Array:
    """Int32 numbers from 0 to below `below`."""
    return jnp.asarray(np.random.default_rng(seed).integers(0, below, shape), jnp.int32)
