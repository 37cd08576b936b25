import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jtransfer.nets import convolutions
from jtransfer.nets.convolutions import depthwise_convolution, strided_convolution

IMAGES = jax.random.normal(jax.random.key(0), (3, 9, 12, 4))


def plain(images, kernel, *, stride, padding, groups):
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def same_with_gradients(ours, theirs, kernel):
    weights = jax.random.normal(jax.random.key(2), theirs(IMAGES, kernel).shape)

    def with_gradients(function):
        def total(images, kernel):
            outputs = function(images, kernel)
            return (outputs * weights).sum(), outputs

        return jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))(IMAGES, kernel)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4),
        with_gradients(ours),
        with_gradients(theirs),
    )


@pytest.mark.parametrize(
    ("side", "stride", "padding", "groups"),
    [
        (5, 1, "SAME", 2),
        (3, 1, ((0, 1), (2, 0)), 1),
        (3, 2, "SAME", 1),
        (7, 4, ((2, 2), (2, 2)), 1),
        (1, 1, "VALID", 1),
    ],
)
def test_strided_convolution_and_its_gradients_equal_xlas(side, stride, padding, groups):
    kernel = jax.random.normal(jax.random.key(1), (side, side, 4 // groups, 6))
    settings = {"stride": stride, "padding": padding, "groups": groups}
    same_with_gradients(
        lambda x, k: strided_convolution(x, k, **settings),
        lambda x, k: plain(x, k, **settings),
        kernel,
    )


@pytest.mark.parametrize(
    ("side", "stride", "padding"),
    [
        (3, 1, "SAME"),
        (3, 2, "SAME"),
        (5, 1, "SAME"),
        (5, 2, "VALID"),
        (5, 2, ((2, 1), (3, 2))),
    ],
)
def test_depthwise_convolution_and_its_gradients_equal_xlas(side, stride, padding):
    kernel = jax.random.normal(jax.random.key(1), (side, side, 1, 4))
    same_with_gradients(
        lambda x, k: depthwise_convolution(x, k, stride=stride, padding=padding),
        lambda x, k: plain(x, k, stride=stride, padding=padding, groups=4),
        kernel,
    )


def test_the_formulation_for_accelerators_equals_the_one_for_cpu():
    kernel = jax.random.normal(jax.random.key(1), (5, 5, 1, 4))
    pads = ((2, 2), (1, 2))
    np.testing.assert_allclose(
        convolutions._by_shifts(IMAGES, kernel, stride=2, pads=pads),
        convolutions._by_xla(IMAGES, kernel, stride=2, pads=pads, groups=4),
        atol=1e-5,
    )


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
@pytest.mark.parametrize("size", [(9, 12), (7, 6)])
def test_the_gradients_of_a_depthwise_kernel_for_cpu_and_accelerators_are_equal(side, stride, size):
    images = IMAGES[:, : size[0], : size[1]]
    kernel = jax.random.normal(jax.random.key(1), (side, side, 1, 4))
    settings = {"stride": stride, "pads": convolutions._pads(images, kernel, stride, "SAME")}
    gradient = convolutions._by_shifts(images, kernel, **settings)
    ours = convolutions._kernel_gradient_by_rows(images, kernel, gradient, **settings)
    xlas = convolutions._kernel_gradient_by_xla(images, kernel, gradient, **settings)
    np.testing.assert_allclose(ours, xlas, rtol=1e-5, atol=1e-5 * float(jnp.abs(xlas).max()))


def test_the_gradient_of_a_depthwise_kernel_by_hand():
    images = jnp.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    # outputs at pixels 1 and 3; zeros stand left and right of the images
    gradient = jax.grad(
        lambda kernel: (
            depthwise_convolution(images, kernel, stride=2).ravel() * jnp.array([10.0, 100.0])
        ).sum()
    )(jnp.ones((1, 3, 1, 1)))
    np.testing.assert_array_equal(gradient.ravel(), [0 * 10 + 2 * 100, 1 * 10 + 3 * 100, 2 * 10])


def test_the_gradient_of_a_depthwise_kernel_in_bfloat16_is_added_up_in_float32():
    images = jnp.ones((1, 30, 30, 1), jnp.bfloat16)

    def total(kernel):
        return depthwise_convolution(images, kernel, padding="VALID").astype(jnp.float32).sum()

    gradient = jax.grad(total)(jnp.ones((1, 1, 1, 1), jnp.bfloat16))
    # in bfloat16 a sum of ones ends at 256
    assert abs(float(gradient[0, 0, 0, 0]) - 900) < 4


def test_depthwise_gradients_of_many_kernels_at_once_equal_those_one_by_one():
    kernels = jax.random.normal(jax.random.key(1), (2, 3, 3, 1, 4))

    def gradient(kernel):
        return jax.grad(lambda k: jnp.square(depthwise_convolution(IMAGES, k)).sum())(kernel)

    together = jax.vmap(gradient)(kernels)
    np.testing.assert_allclose(together, jnp.stack([*map(gradient, kernels)]), rtol=1e-5)


def test_groups_by_hand():
    images = jnp.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
    kernel = jnp.array([[1.0, 10.0], [2.0, 20.0]]).reshape(1, 1, 2, 2)
    # the first output is made of channels 1 and 2, the second of channels 3 and 4
    outputs = strided_convolution(images, kernel, groups=2)
    np.testing.assert_array_equal(outputs.ravel(), [1 * 1 + 2 * 2, 3 * 10 + 4 * 20])


def test_same_padding_puts_the_odd_pixel_behind_as_tensorflow_does():
    images = jnp.arange(1.0, 5.0).reshape(1, 1, 4, 1)
    kernel = jnp.ones((1, 3, 1, 1))
    # 1 2 3 4 and one zero behind, at every second position
    outputs = strided_convolution(images, kernel, stride=2, padding="SAME")
    np.testing.assert_array_equal(outputs.ravel(), [1 + 2 + 3, 3 + 4 + 0])
    outputs = depthwise_convolution(images, kernel, stride=2)
    np.testing.assert_array_equal(outputs.ravel(), [6, 7])
