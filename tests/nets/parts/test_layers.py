import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.layers import Conv, max_pool


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 3), (2, 1)])
def test_max_pool_and_its_gradient_equal_flaxs(window, stride):
    images = jax.random.normal(jax.random.key(0), (2, 7, 9, 4))

    def flax(x):
        return nn.max_pool(x, (window, window), (stride, stride))

    def ours(x):
        return max_pool(x, window=window, stride=stride)

    np.testing.assert_array_equal(ours(images), flax(images))
    weights = jax.random.normal(jax.random.key(1), flax(images).shape)
    gradients = [jax.grad(lambda x, f=f: (f(x) * weights).sum())(images) for f in (ours, flax)]
    np.testing.assert_allclose(*gradients, rtol=1e-6, atol=1e-6)


def test_a_shared_maximum_shares_its_gradient():
    gradient = jax.grad(lambda x: max_pool(x, window=2, stride=2).sum())(jnp.ones((1, 2, 2, 1)))
    np.testing.assert_array_equal(gradient.ravel(), [0.25] * 4)


def test_a_window_larger_than_the_image_is_an_error():
    with pytest.raises(ValueError, match="windows of 3"):
        max_pool(jnp.ones((1, 2, 2, 1)), window=3, stride=2)


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_conv_equals_flaxs_with_the_same_parameters(padding):
    images = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    theirs = nn.Conv(6, (5, 5), padding=padding)
    variables = theirs.init(jax.random.key(1), images)
    ours = Conv(6, 5, padding=padding)
    np.testing.assert_allclose(
        ours.apply(variables, images), theirs.apply(variables, images), atol=1e-5
    )
    own = ours.init(jax.random.key(1), images)
    assert jax.tree.map(jnp.shape, own) == jax.tree.map(jnp.shape, variables)
