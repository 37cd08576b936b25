import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jtransfer.nets import layers
from jtransfer.nets.layers import Conv, convolution, max_pool


def plain(images, kernel, padding):
    return lax.conv_general_dilated(
        images, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.fixture
def operands():
    first, second = jax.random.split(jax.random.key(0))
    return jax.random.normal(first, (3, 9, 8, 3)), jax.random.normal(second, (5, 4, 3, 6))


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_convolution_and_its_gradients_equal_xlas(operands, padding):
    weights = jax.random.normal(jax.random.key(2), plain(*operands, padding).shape)

    def with_gradients(function):
        def total(images, kernel):
            return (function(images, kernel) * weights).sum()

        return jax.jit(jax.value_and_grad(total, (0, 1)))(*operands)

    ours = with_gradients(lambda x, k: convolution(x, k, padding=padding))
    theirs = with_gradients(lambda x, k: plain(x, k, padding))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), ours, theirs)


def test_the_formulation_for_accelerators_equals_the_one_for_cpu(operands):
    images, kernel = operands
    gradient = jax.random.normal(jax.random.key(3), plain(images, kernel, "VALID").shape)
    np.testing.assert_allclose(
        layers._by_patches(images, kernel), layers._by_xla(images, kernel), atol=1e-4
    )
    np.testing.assert_allclose(
        layers._kernel_gradient_by_patches(images, kernel, gradient),
        layers._kernel_gradient_by_xla(images, kernel, gradient),
        atol=1e-4,
    )


def test_a_convolution_by_hand():
    images = jnp.arange(9.0).reshape(1, 3, 3, 1)
    kernel = jnp.array([[1.0, 0.0], [0.0, -2.0]]).reshape(2, 2, 1, 1)
    expected = [[0 - 2 * 4, 1 - 2 * 5], [3 - 2 * 7, 4 - 2 * 8]]
    np.testing.assert_array_equal(convolution(images, kernel)[0, :, :, 0], expected)


def test_unknown_padding_is_named(operands):
    with pytest.raises(ValueError, match=r"'same'.*'VALID' or 'SAME'"):
        convolution(*operands, padding="same")


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
