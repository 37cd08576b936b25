from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.attention import attention
from tests.draws import normal

QUERY, KEY, VALUE, GRADIENT = (jnp.asarray(normal(seed, (2, 5, 3, 4))) for seed in range(4))


def with_gradients(attend, *operands):
    seen, to_operands = jax.vjp(attend, *operands)
    return seen, *to_operands(GRADIENT.astype(seen.dtype))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_and_its_gradients_equal_jaxs(causal):
    ours, jaxs = (
        jax.jit(partial(with_gradients, partial(attend, **settings)))(QUERY, KEY, VALUE)
        for attend, settings in (
            (attention, {"causal": causal}),
            (jax.nn.dot_product_attention, {"is_causal": causal}),
        )
    )
    for one, other in zip(ours, jaxs, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_below_float32_scores_and_their_softmax_are_in_float32(causal):
    halves = [each.astype(jnp.bfloat16) for each in (QUERY, KEY, VALUE)]
    seen = jax.jit(partial(attention, causal=causal))(*halves)
    assert seen.dtype == jnp.bfloat16
    exact = attention(*(each.astype(jnp.float32) for each in halves), causal=causal)
    np.testing.assert_allclose(seen.astype(jnp.float32), exact, rtol=0.01, atol=0.01)


def test_by_hand():
    """Scores 0 and ln 3 weigh a quarter and three quarters; the first token sees itself alone."""
    query = jnp.full((1, 2, 1, 4), 0.5)
    key = jnp.stack([jnp.zeros(4), jnp.full(4, jnp.log(3.0))])[None, :, None]
    value = jnp.array([4.0, 8.0])[None, :, None, None] * jnp.ones((1, 1, 1, 4))
    np.testing.assert_allclose(
        attention(query, key, value)[0, :, 0], np.full((2, 4), 7.0), rtol=1e-6
    )
    seen = attention(query, key, value, causal=True)[0, :, 0, 0]
    np.testing.assert_allclose(seen, [4.0, 7.0], rtol=1e-6)
