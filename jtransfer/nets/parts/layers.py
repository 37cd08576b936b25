"""Layers that are fast on every backend, each equal to its plain formulation."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.nets.parts.convolutions import Padding, convolution
from jtransfer.nets.parts.initializers import lecun_normal


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


class Dense(nn.Dense):
    """A dense layer as `flax.linen.Dense`, whose kernel starts from the same numbers."""

    kernel_init: nn.initializers.Initializer = lecun_normal


class Dropout(nn.Dropout):
    """`flax.linen.Dropout`, which drops the same numbers; drawn as one row, as kernels are."""

    @nn.compact
    def __call__(
        self,
        inputs: jax.Array,
        deterministic: bool | None = None,
        rng: jax.Array | None = None,
    ) -> jax.Array:
        """Drop a share `rate` of the inputs, if not `deterministic`, and scale the others up."""
        if nn.merge_param("deterministic", self.deterministic, deterministic) or not self.rate:
            return inputs
        if self.rate == 1:
            return jnp.zeros_like(inputs)
        key = self.make_rng(self.rng_collection) if rng is None else rng
        shape = [1 if i in self.broadcast_dims else n for i, n in enumerate(inputs.shape)]
        kept = jax.random.bernoulli(key, 1 - self.rate, (math.prod(shape),)).reshape(shape)
        return jnp.where(kept, inputs / (1 - self.rate), jnp.zeros_like(inputs))


class Conv(nn.Module):
    """A convolution; parameters named and shaped as `flax.linen.Conv`'s.

    Attributes:
      features: number of output channels.
      kernel_size: side of the square kernel in pixels.
      padding: as of `convolution`.
      use_bias: whether to add a bias (off before batch norm, which has its own).
      stride: distance between the kernel's positions in pixels.
      kernel_init: makes the kernel that training from scratch starts from.
    """

    features: int
    kernel_size: int
    padding: Padding = "VALID"
    use_bias: bool = True
    stride: int = 1
    kernel_init: Callable[..., jax.Array] = lecun_normal

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Convolve [batch, height, width, channels] images."""
        side = self.kernel_size
        shape: Sequence[int] = (side, side, images.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        features = convolution(images, kernel, stride=self.stride, padding=self.padding)
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,))
            features = features + bias[None, None, None]
        return features
