"""Layers that are fast on every backend, each equal to its plain formulation.

XLA's CPU backend is slow at three things that small convolution nets are made of: convolutions over
few channels, the gradient of a convolution with respect to its kernel, and the gradient of a max
pool (select-and-scatter). On CPU the layers below turn them into matrix products and element-wise
maxima; on accelerators a convolution stays XLA's own.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolution(images: jax.Array, kernel: jax.Array, *, padding: str = "VALID") -> jax.Array:
    """Stride-1 convolution of `images` with `kernel`.

    Args:
      images: [batch, height, width, in_channels].
      kernel: [kernel_height, kernel_width, in_channels, out_channels].
      padding: "VALID", or "SAME" to keep height and width.

    Returns:
      [batch, out_height, out_width, out_channels].

    Raises:
      ValueError: if `padding` is neither of the two.
    """
    if padding == "SAME":
        rows, columns = kernel.shape[0] - 1, kernel.shape[1] - 1
        around = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
        images = jnp.pad(images, ((0, 0), *around, (0, 0)))
    elif padding != "VALID":
        raise ValueError(f"padding is {padding!r}; expected 'VALID' or 'SAME'")
    return _convolution(images, kernel)


@jax.custom_vjp
def _convolution(images: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.platform_dependent(images, kernel, cpu=_by_patches, default=_by_xla)


def _forward(images, kernel):
    return _convolution(images, kernel), (images, kernel)


def _backward(saved, gradient):
    images, kernel = saved
    kernel_gradient = lax.platform_dependent(
        images, kernel, gradient, cpu=_kernel_gradient_by_patches, default=_kernel_gradient_by_xla
    )
    image_gradient = lax.platform_dependent(
        images, kernel, gradient, cpu=_image_gradient_on_cpu, default=_image_gradient_by_xla
    )
    return image_gradient, kernel_gradient


_convolution.defvjp(_forward, _backward)


def _by_xla(images, kernel):
    return lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=_LAYOUT)


def _by_patches(images, kernel):
    height, width = kernel.shape[:2]
    patches, shape = _patches(images, height, width)
    return (patches @ kernel.reshape(-1, kernel.shape[-1])).reshape(*shape, -1)


def _kernel_gradient_by_xla(images, kernel, gradient):
    _, to_kernel = jax.vjp(lambda k: _by_xla(images, k), kernel)
    return to_kernel(gradient)[0]


def _kernel_gradient_by_patches(images, kernel, gradient):
    patches, _ = _patches(images, *kernel.shape[:2])
    rows = gradient.reshape(-1, kernel.shape[-1])
    transposed = lax.dot_general(rows, patches, (((0,), (0,)), ((), ())))
    # XLA would merge the transposition into the product and reach half the speed or less.
    return lax.optimization_barrier(transposed).T.reshape(kernel.shape)


def _image_gradient_by_xla(images, kernel, gradient):
    _, to_images = jax.vjp(lambda x: _by_xla(x, kernel), images)
    return to_images(gradient)[0]


def _image_gradient_on_cpu(images, kernel, gradient):
    height, width = kernel.shape[:2]
    if gradient.shape[1] >= height and gradient.shape[2] >= width:
        return _image_gradient_by_xla(images, kernel, gradient)
    # XLA would take a gradient of fewer pixels than the kernel for the kernel, and be several times
    # slower; it cannot where the padding is behind a barrier.
    around = ((0, 0), (height - 1, height - 1), (width - 1, width - 1), (0, 0))
    padded = lax.optimization_barrier(jnp.pad(gradient, around))
    return _by_xla(padded, kernel[::-1, ::-1].swapaxes(2, 3))


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


def max_pool(images: jax.Array, *, window: int, stride: int) -> jax.Array:
    """Max pooling over square windows, without padding at the borders.

    Written as maxima of strided slices, rows first, whose gradient is element-wise; the gradient of
    `flax.linen.max_pool` is a select-and-scatter. Where several pixels share a maximum, they share
    its gradient.

    Args:
      images: [batch, height, width, channels].
      window: side of the window in pixels.
      stride: distance between windows in pixels.

    Returns:
      [batch, (height - window) // stride + 1, (width - window) // stride + 1, channels].
    """
    for axis in (1, 2):
        count = (images.shape[axis] - window) // stride + 1
        if count < 1:
            raise ValueError(f"cannot pool {images.shape} images by windows of {window} pixels")
        slices = [
            lax.slice_in_dim(images, i, i + (count - 1) * stride + 1, stride, axis)
            for i in range(window)
        ]
        images = slices[0]
        for other in slices[1:]:
            images = jnp.maximum(images, other)
    return images


class Conv(nn.Module):
    """A stride-1 convolution with bias; parameters named and shaped as `flax.linen.Conv`'s.

    Attributes:
      features: number of output channels.
      kernel_size: side of the square kernel in pixels.
      padding: "VALID" or "SAME".
      use_bias: whether to add a bias (off before batch norm, which has its own).
    """

    features: int
    kernel_size: int
    padding: str = "VALID"
    use_bias: bool = True

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Convolve [batch, height, width, channels] images."""
        side = self.kernel_size
        shape: Sequence[int] = (side, side, images.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        features = convolution(images, kernel, padding=self.padding)
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,))
            features = features + bias[None, None, None]
        return features
