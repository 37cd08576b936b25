"""The ends of vision transformers: images to tokens, and tokens to features."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.nets.parts.initializers import in_a_row
from jtransfer.nets.parts.positions import Resampling, resample_positions
from jtransfer.nets.parts.rows_product import rows_product
from jtransfer.nets.parts.transformer import layer_norm, linear

Features = Literal["class", "mean", "both"]

_NORMAL = in_a_row(nn.initializers.truncated_normal(0.02))
_TINY = in_a_row(nn.initializers.normal(1e-6))


class PatchStage(nn.Module):
    """Patches as tokens, a class token and registers before them, and positions.

    Attributes:
      width: numbers of a token.
      patch: side of the square patches in pixels.
      grid: patches of a side of the images that the positions are for; to those of others they are
        interpolated.
      resampling: how.
      registers: tokens without a meaning of their own (Darcet et al. 2024, "Vision transformers
        need registers"), behind the class token.
      class_position: whether the class token has a position too.
      use_bias: whether the patches' layer has a bias.
      norm_epsilon: of a layer norm behind it all, as CLIP has; None for none.
    """

    width: int
    patch: int
    grid: int
    resampling: Resampling
    registers: int = 0
    class_position: bool = True
    use_bias: bool = True
    norm_epsilon: float | None = None

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, 1 + registers + patches, width].

        Raises:
          ValueError: if the patches do not divide the images.
        """
        width, prefix = self.width, int(self.class_position)
        patches, (rows, columns) = self._patches(images)
        class_token = self.param("class_token", _TINY, (width,))
        positions = self.param("positions", _NORMAL, (prefix + self.grid**2, width))
        square = positions[prefix:].reshape(self.grid, self.grid, width)
        square = resample_positions(square, (rows, columns), self.resampling)
        if self.class_position:
            class_token = class_token + positions[0]
        before = class_token[None]
        if self.registers:
            registers = self.param("registers", _TINY, (self.registers, width))
            before = jnp.concatenate([before, registers])
        # Not `len`, which a symbolic batch does not have.
        before = jnp.broadcast_to(before[None], (patches.shape[0], *before.shape))
        tokens = jnp.concatenate([before, patches + square.reshape(1, -1, width)], axis=1)
        if self.norm_epsilon is None:
            return tokens
        return layer_norm("norm", epsilon=self.norm_epsilon)(tokens)

    def _patches(self, images: jax.Array) -> tuple[jax.Array, tuple[int, int]]:
        """Every patch through one linear layer: a convolution with as large a kernel as stride."""
        side = self.patch
        batch, height, width, channels = images.shape
        if height % side or width % side or not height * width:
            rows, columns = (max(pixels // side, 1) * side for pixels in (height, width))
            raise ValueError(
                f"images of {height}x{width} pixels do not split into patches of {side}x{side}; "
                f"expected sides that are multiples of {side}. Resize or crop them, such as to "
                f"{rows}x{columns}"
            )
        rows, columns = height // side, width // side
        kernel = self.param("kernel", _NORMAL, (side, side, channels, self.width))
        patches = images.reshape(batch, rows, side, columns, side, channels)
        patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows * columns, -1)
        tokens = rows_product(patches, kernel.reshape(-1, self.width))
        if self.use_bias:
            tokens += self.param("bias", nn.initializers.zeros, (self.width,))[None, None]
        return tokens, (rows, columns)


class FeatureStage(nn.Module):
    """The last layer norm, and the features of an image.

    Attributes:
      features: the class token, the mean of the patches, or both in this order.
      prefix: how many tokens are before the patches.
      epsilon: added to the variance.
    """

    features: Features
    prefix: int
    epsilon: float

    @nn.compact
    def __call__(
        self, tokens: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, tokens, width] to [batch, width], or [batch, 2 * width] of both."""
        scale_and_bias = layer_norm("norm", epsilon=self.epsilon)
        if self.features == "class":  # alone, without the norm of what is not read
            return scale_and_bias(tokens[:, 0])
        tokens = scale_and_bias(tokens)
        mean = tokens[:, self.prefix :].mean(axis=1)
        return mean if self.features == "mean" else jnp.concatenate([tokens[:, 0], mean], axis=-1)


class LinearStage(nn.Module):
    """A linear layer as a stage.

    Attributes:
      features: number of outputs.
      use_bias: whether it has a bias.
    """

    features: int
    use_bias: bool = True

    @nn.compact
    def __call__(
        self, inputs: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, inputs] to [batch, features]."""
        layer = linear(self.features, "linear", use_bias=self.use_bias)
        nn.share_scope(self, layer)
        return layer(inputs)
