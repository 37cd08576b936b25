"""Convolution as one product of matrices, its rows the windows of the images (im2col).

Meant for XLA's CPU backend and convolutions over few channels, where its own are slow.
"""

import jax
import jax.numpy as jnp
from jax import lax


def patches_convolution(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Stride-1 convolution of `images` with `kernel`, without padding.

    Args:
      images: [batch, height, width, in_channels].
      kernel: [kernel_height, kernel_width, in_channels, out_channels].

    Returns:
      [batch, out_height, out_width, out_channels].
    """
    patches, shape = _patches(images, *kernel.shape[:2])
    return (patches @ kernel.reshape(-1, kernel.shape[-1])).reshape(*shape, -1)


def patches_kernel_gradient(
    images: jax.Array, shape: tuple[int, ...], gradient: jax.Array
) -> jax.Array:
    """Gradient of the convolution's kernel.

    Args:
      images: [batch, height, width, in_channels].
      shape: of the kernel.
      gradient: of the outputs, [batch, out_height, out_width, out_channels].
    """
    patches, _ = _patches(images, *shape[:2])
    return transposed_product(patches, gradient.reshape(-1, shape[-1])).reshape(shape)


def transposed_product(left: jax.Array, right: jax.Array) -> jax.Array:
    """left^T @ right, as the transpose of right^T @ left, which XLA:CPU is faster at."""
    transposed = lax.dot_general(right, left, (((0,), (0,)), ((), ())))
    # XLA would merge the transposition into the product and reach half the speed or less.
    return lax.optimization_barrier(transposed).T


def padded(images: jax.Array, pads: tuple[tuple[int, int], tuple[int, int]]) -> jax.Array:
    """Images between zeros: ((above, below), (left, right)) pixels, which negative ones cut off."""
    around = [(before, behind, 0) for before, behind in ((0, 0), *pads, (0, 0))]
    return lax.pad(images, jnp.zeros((), images.dtype), around)


def _patches(images, height, width):
    """Every window of the images as a row: [batch * out_height * out_width, height * width * c]."""
    batch, rows, columns, _ = images.shape
    rows, columns = rows - height + 1, columns - width + 1
    # Stacked one axis at a time: XLA:CPU turns this into straight copies, 2-10 times faster than
    # lax.conv_general_dilated_patches.
    across = [
        jnp.stack([images[:, i : i + rows, j : j + columns] for j in range(width)], axis=3)
        for i in range(height)
    ]
    stacked = jnp.stack(across, axis=3)
    return stacked.reshape(batch * rows * columns, -1), (batch, rows, columns)
