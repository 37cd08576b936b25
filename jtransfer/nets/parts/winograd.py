"""Convolution by fewer products (Winograd; Lavin & Gray 2016, section 4), along the width of maps.

Two neighbouring outputs of a filter with r taps take 2 r products, or r + 1 of sums of inputs with
sums of taps, which is F(2, r): y = A^T ((G g) * (B^T d)) for r + 1 inputs d and taps g. Multiplying
polynomials by way of their values at r points and at infinity gives the three matrices.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jtransfer.nets.parts.patches import padded, transposed_product

_POINTS = (0, 1, -1, 2, -2)

MAX_WIDTH = len(_POINTS)
"""Of a kernel. Every further point would cost precision: five lose some 1e-6 of the largest."""


def winograd_convolution(
    images: jax.Array, kernel: jax.Array, *, pads: tuple[tuple[int, int], tuple[int, int]]
) -> jax.Array:
    """Stride-1 convolution of `images` with `kernel`.

    Meant for XLA's CPU backend, which is slow at what autodiff would make of it. Below float32 it
    computes in float32 and rounds once: of rounded sums the differences would be ten times as rough
    as the plain convolution.

    Args:
      images: [batch, height, width, in_channels].
      kernel: [kernel_height, kernel_width, in_channels, out_channels] of a width from 2 to
        `MAX_WIDTH`.
      pads: ((above, below), (left, right)) in pixels.

    Returns:
      [batch, out_height, out_width, out_channels].
    """
    taps = kernel.shape[1]
    (above, below), sides = pads
    out_height = images.shape[1] + above + below - kernel.shape[0] + 1
    out_width = images.shape[2] + sum(sides) - taps + 1
    to_outputs, to_taps, to_inputs = _matrices(taps)
    dtype, (images, kernel) = images.dtype, _precise(images, kernel)
    inputs = _inputs(images, taps, sides)
    columns = [kernel[:, i : i + 1] for i in range(taps)]
    products = [
        lax.conv_general_dilated(
            _combined(of_inputs, inputs),
            _combined(of_taps, columns),
            (1, 1),
            # Of XLA's two libraries for convolutions the faster one here (Eigen) is given only what
            # the other (YNNPACK) declines, such as maps higher than the images: hence one row more.
            ((above, below + 1), (0, 0)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[:, :out_height]
        for of_inputs, of_taps in zip(to_inputs, to_taps, strict=True)
    ]
    outputs = jnp.stack([_combined(weights, products) for weights in to_outputs], axis=3)
    outputs = outputs.reshape(*outputs.shape[:2], -1, outputs.shape[-1])[:, :, :out_width]
    return outputs.astype(dtype)


def winograd_kernel_gradient(
    images: jax.Array,
    shape: tuple[int, ...],
    gradient: jax.Array,
    *,
    pads: tuple[tuple[int, int], tuple[int, int]],
) -> jax.Array:
    """Gradient of the convolution's kernel: the same products, with what A and B^T give.

    Args:
      images: [batch, height, width, in_channels].
      shape: of the kernel.
      gradient: of the outputs, [batch, out_height, out_width, out_channels].
      pads: of the convolution.
    """
    rows, taps, _, out_channels = shape
    height, width = gradient.shape[1:3]
    to_outputs, to_taps, to_inputs = _matrices(taps)
    above_below, sides = pads
    dtype, (images, gradient) = images.dtype, _precise(images, gradient)
    inputs = _inputs(padded(images, (above_below, (0, 0))), taps, sides)
    gradient = padded(gradient, ((0, 0), (0, width % 2)))
    pairs = [gradient[:, :, 0::2], gradient[:, :, 1::2]]
    products = []
    for of_inputs, of_outputs in zip(to_inputs, to_outputs.T, strict=True):
        sums = _combined(of_inputs, inputs)
        windows = jnp.stack([sums[:, i : i + height] for i in range(rows)], axis=3)
        # Behind the barrier the sums are made once, and not anew for every block of the product.
        outputs = lax.optimization_barrier(_combined(of_outputs, pairs)).reshape(-1, out_channels)
        product = transposed_product(windows.reshape(len(outputs), -1), outputs)
        products.append(product.reshape(rows, 1, -1, out_channels))
    columns = [_combined(weights, products) for weights in to_taps.T]
    return jnp.concatenate(columns, axis=1).astype(dtype)


def _precise(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    """The arrays in float32, if they are not in more."""
    return tuple(each.astype(jnp.promote_types(each.dtype, jnp.float32)) for each in arrays)


def _inputs(images: jax.Array, taps: int, sides: tuple[int, int]) -> list[jax.Array]:
    """The inputs of all pairs of outputs: what is seen first by each, second, and so on."""
    left, right = sides
    out_width = images.shape[2] + left + right - taps + 1
    pairs = -(-out_width // 2)
    images = padded(images, ((0, 0), (left, right + 2 * pairs - out_width)))
    return [lax.slice_in_dim(images, i, i + 2 * pairs - 1, 2, axis=2) for i in range(taps + 1)]


def _matrices(taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A^T [2, taps + 1], G [taps + 1, taps] and B^T [taps + 1, taps + 1]."""
    interpolation = np.linalg.inv(_values(taps, taps + 1))
    interpolation[np.abs(interpolation) < 1e-9] = 0  # zeros but for rounding
    # The smallest weights of the inputs become 1: of them there are more than of the taps.
    scale = np.array([np.abs(row[row != 0]).min() for row in interpolation.T])
    return (
        _values(taps, 2).T,
        _values(taps, taps) * scale[:, None],
        interpolation.T / scale[:, None],
    )


def _values(points: int, coefficients: int) -> np.ndarray:
    """What coefficients of a polynomial are multiplied by to give its values; infinity is last."""
    finite = np.vander(_POINTS[:points], coefficients, increasing=True)
    return np.vstack([finite, np.eye(coefficients)[-1:]]).astype(np.float64)


def _combined(weights: np.ndarray, arrays: list[jax.Array]) -> jax.Array:
    """The weighted sum of the arrays."""
    terms = [
        array if weight == 1 else array * weight
        for weight, array in zip(weights.tolist(), arrays, strict=True)
        if weight
    ]
    return sum(terms[1:], start=terms[0])
