"""Numbers for tests, drawn by NumPy: JAX compiles a program for every shape that it draws."""

import math
from functools import partial
from typing import Any

import flax.linen as nn
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


def variables(net: nn.Module, *inputs: Any, seed: int = 0, **options: Any) -> dict[str, Any]:
    """A net's variables as it begins, but for the draw: kernels have the variance 1 / inputs."""
    shapes = jax.eval_shape(partial(net.init, **options), jax.random.key(0), *inputs)
    random = np.random.default_rng(seed)

    def draw(path, leaf):
        name = path[-1].key
        if name == "kernel":
            values = random.normal(0, math.prod(leaf.shape[:-1]) ** -0.5, leaf.shape)
        else:
            values = np.full(leaf.shape, {"bias": 0, "mean": 0, "scale": 1, "var": 1}[name])
        return jnp.asarray(values, leaf.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes)
