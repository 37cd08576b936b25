"""ConvNeXt-T, S and B (Liu et al., CVPR 2022), as timm and torchvision have them.

Parameters, as a tree of names; kernels of convolutions are [height, width, in, out], depthwise ones
[height, width, 1, channels], those of linear layers [in, out]:

    params/stem/conv/{kernel,bias}                4x4, stride 4
    params/stem/norm/{scale,bias}
    params/stage2 ... stage4/downsample_norm/{scale,bias}
    params/stage2 ... stage4/downsample/{kernel,bias}      2x2, stride 2
    params/stage1 ... stage4/block1, block2, ...  residual blocks, each of
        depthwise/{kernel,bias}                         7x7
        norm/{scale,bias}
        expand/{kernel,bias}, project/{kernel,bias}     [c, 4 c], [4 c, c]
        gamma                                           [c]: layer scale
    params/pool/norm/{scale,bias}
    params/fc/{kernel,bias}                       [widest, classes], [classes]

All norms are layer norms over the channels of a pixel.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import flax.linen as nn
import jax

from jtransfer.nets.parts.depthwise import depthwise_convolution
from jtransfer.nets.parts.gelu import exact_gelu
from jtransfer.nets.parts.initializers import in_a_row
from jtransfer.nets.parts.layers import Conv
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.transformer import layer_norm, linear
from jtransfer.nets.parts.trunk import Trunk

Size = Literal["tiny", "small", "base"]

_NORMAL = in_a_row(nn.initializers.truncated_normal(0.02))
_EPSILON = 1e-6
_SIDE = 7  # of the depthwise kernels
_LAYER_SCALE = 1e-6  # that training from scratch starts from


@dataclass(frozen=True)
class Shape:
    """How one of the nets is built.

    Attributes:
      blocks: number of blocks of stage1 to stage4.
      widths: their numbers of channels.
    """

    blocks: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]


CONVNEXT: dict[str, Shape] = {
    "tiny": Shape((3, 3, 9, 3), (96, 192, 384, 768)),
    "small": Shape((3, 3, 27, 3), (96, 192, 384, 768)),
    "base": Shape((3, 3, 27, 3), (128, 256, 512, 1024)),
}


_norm = partial(layer_norm, epsilon=_EPSILON)


def _patches(maps: jax.Array, features: int, side: int, *, name: str) -> jax.Array:
    """Squares of pixels side by side through one linear layer; what is over at the end is cut."""
    if min(maps.shape[1:3]) < side:
        height, width = maps.shape[1:3]
        raise ValueError(
            f"{name} reads maps of {height}x{width} pixels, of which it takes {side}x{side} at a "
            "time; expected images of 32x32 pixels at least. Give larger ones"
        )
    return Conv(features, side, stride=side, kernel_init=_NORMAL, name=name)(maps)


class StemStage(nn.Module):
    """Patches of 4x4 pixels, and a norm.

    Attributes:
      width: number of output channels.
    """

    width: int

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, 3] to [batch, height // 4, width // 4, channels]."""
        return _norm("norm")(_patches(images, self.width, 4, name="conv"))


class Depthwise(nn.Module):
    """The convolution of every channel by itself, 7x7."""

    @nn.compact
    def __call__(self, maps: jax.Array) -> jax.Array:
        """Map [batch, height, width, channels] to the same."""
        channels, around = maps.shape[-1], (_SIDE // 2, _SIDE // 2)
        kernel = self.param("kernel", _NORMAL, (_SIDE, _SIDE, 1, channels))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        return (
            depthwise_convolution(maps, kernel, padding=(around, around)) + bias[None, None, None]
        )


class Block(nn.Module):
    """A depthwise convolution and two linear layers on every pixel, added to what they read."""

    @nn.compact
    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Map [batch, height, width, channels] to the same."""
        width = inputs.shape[-1]
        maps = _norm("norm")(Depthwise(name="depthwise")(inputs))
        maps = exact_gelu(linear(4 * width, "expand")(maps))
        maps = linear(width, "project")(maps)
        gamma = self.param("gamma", nn.initializers.constant(_LAYER_SCALE), (width,))
        return inputs + maps * gamma[None, None, None]


class BlockStage(nn.Module):
    """Blocks in a row; before them, if the width changes, a norm and patches of 2x2 pixels.

    Attributes:
      blocks: how many.
      width: number of channels.
    """

    blocks: int
    width: int

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', self.width]."""
        if maps.shape[-1] != self.width:
            maps = _patches(_norm("downsample_norm")(maps), self.width, 2, name="downsample")
        for number in range(1, self.blocks + 1):
            maps = Block(name=f"block{number}")(maps)
        return maps


class PoolStage(nn.Module):
    """The average over the pixels, and a norm.

    Attributes:
      pooled: whether the average is taken; without it every pixel is normed for itself.
    """

    pooled: bool = True

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, channels]."""
        return _norm("norm")(maps.mean(axis=(1, 2)) if self.pooled else maps)


def convnext(size: Size | Shape, *, classes: int = 1000) -> Trunk:
    """ConvNeXt of one of three sizes.

    For [batch, 224, 224, 3] images, RGB in 0..1, normalised by ImageNet's mean and deviation, or of
    any other size from 32 pixels on. Stochastic depth is left out.

    Args:
      size: "tiny", "small", "base", or a `Shape` of another.
      classes: number of outputs of fc.

    Returns:
      A trunk of the stages stem, stage1 ... stage4, pool (the average over the pixels, normed,
      [batch, 768], or 1024 of "base") and fc (logits).

    Raises:
      ValueError: if there is no net of that size; when it is called, if the images are too small.
    """
    shape = convnext_shape(size)
    stages = [
        (f"stage{number}", partial(BlockStage, blocks, width))
        for number, (blocks, width) in enumerate(zip(shape.blocks, shape.widths, strict=True), 1)
    ]
    return Trunk(
        (
            ("stem", partial(StemStage, shape.widths[0])),
            *stages,
            ("pool", PoolStage),
            ("fc", partial(FullStage, classes, relu=False)),
        )
    )


def convnext_shape(size: str | Shape) -> Shape:
    """How the net of a size is built.

    Raises:
      ValueError: if there is none.
    """
    if isinstance(size, Shape):
        return size
    if size not in CONVNEXT:
        raise ValueError(f"there is no ConvNeXt {size!r} here; expected {', '.join(CONVNEXT)}")
    return CONVNEXT[size]
