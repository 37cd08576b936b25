import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.layers import Conv, Dropout, max_pool
from tests.draws import normal


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 3), (2, 1)])
def test_max_pool_and_its_gradient_equal_flaxs(window, stride):
    images = normal(0, (2, 7, 9, 4))

    def flax(x):
        return nn.max_pool(x, (window, window), (stride, stride))

    def ours(x):
        return max_pool(x, window=window, stride=stride)

    weights = normal(1, jax.eval_shape(flax, images).shape)

    def with_gradient(pool):
        def total(x):
            outputs = pool(x)
            return (outputs * weights).sum(), outputs

        return jax.jit(jax.grad(total, has_aux=True))(images)

    (gradient, outputs), (flaxs, expected) = with_gradient(ours), with_gradient(flax)
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_allclose(gradient, flaxs, rtol=1e-6, atol=1e-6)


def test_a_shared_maximum_shares_its_gradient():
    gradient = jax.grad(lambda x: max_pool(x, window=2, stride=2).sum())(jnp.ones((1, 2, 2, 1)))
    np.testing.assert_array_equal(gradient.ravel(), [0.25] * 4)


def test_a_window_larger_than_the_image_is_an_error():
    with pytest.raises(ValueError, match="windows of 3"):
        max_pool(jnp.ones((1, 2, 2, 1)), window=3, stride=2)


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_conv_equals_flaxs_with_the_same_parameters(padding):
    images = normal(0, (2, 8, 8, 3))
    theirs = nn.Conv(6, (5, 5), padding=padding)
    ours = Conv(6, 5, padding=padding)
    variables = jax.jit(ours.init)(jax.random.key(1), images)
    np.testing.assert_allclose(
        jax.jit(ours.apply)(variables, images), jax.jit(theirs.apply)(variables, images), atol=1e-5
    )
    own = jax.eval_shape(theirs.init, jax.random.key(1), images)
    assert jax.tree.map(jnp.shape, own) == jax.tree.map(jnp.shape, variables)


@pytest.mark.parametrize(("rate", "shared"), [(0.3, ()), (0.5, (1, 2)), (1.0, ())])
def test_what_is_dropped_is_what_flax_drops(rate, shared):
    maps = normal(0, (3, 4, 5, 6))

    def dropped(module):
        layer = module(rate, broadcast_dims=shared, deterministic=False)
        return jax.jit(lambda x: layer.apply({}, x, rngs={"dropout": jax.random.key(1)}))(maps)

    found = dropped(Dropout)
    np.testing.assert_array_equal(found, dropped(nn.Dropout))
    assert rate == 1 or 0 < np.mean(found == 0) < 1
    assert Dropout(rate).apply({}, maps, deterministic=True) is maps
