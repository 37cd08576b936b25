import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jtransfer.nets.parts import winograd
from jtransfer.nets.parts.winograd import MAX_WIDTH, winograd_convolution, winograd_kernel_gradient
from tests.draws import normal

NO_PADS = ((0, 0), (0, 0))


SIZES = [
    (2, (7, 8), ((1, 1), (0, 1))),
    (3, (6, 5), NO_PADS),
    (4, (5, 6), ((0, 2), (3, 1))),
    (MAX_WIDTH, (7, 9), ((1, 1), (2, 2))),
]


@pytest.mark.parametrize(("width", "size", "pads"), SIZES)
def test_it_equals_the_plain_convolution(width, size, pads):
    images = normal(0, (2, *size, 4))
    kernel = normal(1, (3, width, 4, 6))
    plain = lax.conv_general_dilated(
        images, kernel, (1, 1), pads, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    ours = jax.jit(lambda x, k: winograd_convolution(x, k, pads=pads))(images, kernel)
    np.testing.assert_allclose(ours, plain, atol=1e-4)


@pytest.mark.parametrize(("width", "size", "pads"), SIZES)
def test_the_kernels_gradient_equals_the_plain_ones(width, size, pads):
    images = normal(0, (2, *size, 4))
    kernel = jnp.zeros((3, width, 4, 6))
    outputs, to_kernel = jax.vjp(
        lambda k: lax.conv_general_dilated(
            images, k, (1, 1), pads, dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
        kernel,
    )
    gradient = normal(1, outputs.shape)
    ours = jax.jit(lambda x, g: winograd_kernel_gradient(x, kernel.shape, g, pads=pads))
    np.testing.assert_allclose(ours(images, gradient), *to_kernel(gradient), atol=1e-4)


def test_the_matrices_of_three_taps_are_the_papers():
    # Lavin & Gray 2016, equation 7, but for the sign of the last product.
    outputs, taps, inputs = winograd._matrices(3)
    np.testing.assert_allclose(outputs, [[1, 1, 1, 0], [0, 1, -1, 1]])
    np.testing.assert_allclose(taps, [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    np.testing.assert_allclose(inputs, [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])


def test_precision_is_that_of_float32():
    images = normal(0, (1, 8, 8, 256))
    kernel = normal(1, (5, 5, 256, 8)) / np.sqrt(5 * 5 * 256)
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(images, float), (5, 5), (1, 2))
    exact = np.einsum("bhwcij,ijco->bhwo", windows, np.asarray(kernel, float))
    ours = winograd_convolution(images, kernel, pads=NO_PADS)
    assert exact.std() > 0.5
    np.testing.assert_allclose(ours, exact, atol=2e-5)
    assert ours.dtype == jnp.float32
