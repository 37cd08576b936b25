import math

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.parts.gelu import exact_gelu

X = np.linspace(-12, 12, 2001, dtype=np.float32)


def test_values_and_slopes_are_those_of_the_formula():
    share = np.array([0.5 * math.erfc(-float(x) / math.sqrt(2)) for x in X])
    density = np.exp(-np.square(X.astype(np.float64)) / 2) / math.sqrt(2 * math.pi)
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(exact_gelu)))(X)
    np.testing.assert_allclose(values, X * share, atol=1e-6)
    np.testing.assert_allclose(slopes, share + X * density, atol=1e-6)


def test_below_float32_it_is_rounded_once():
    halves = jnp.asarray(X[np.abs(X) < 3]).astype(jnp.bfloat16)
    values = jax.jit(exact_gelu)(halves)
    assert values.dtype == jnp.bfloat16
    exact = exact_gelu(halves.astype(jnp.float32))
    np.testing.assert_allclose(values.astype(jnp.float32), exact, rtol=2**-8)
