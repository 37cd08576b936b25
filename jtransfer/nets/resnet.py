"""ResNet-18, 34, 50 and 101 (He et al., CVPR 2016), as torchvision and timm have them.

The last two are those called v1.5: a bottleneck that halves the maps does so in its 3x3
convolution, and not, as in the paper, in the 1x1 before it.

Parameters, as a tree of names; kernels are [height, width, in, out]:

    params/stem/conv/kernel                       7x7, stride 2
    params/stem/norm/{scale,bias}
    params/layer1 ... layer4/block1, block2, ...  residual blocks, each of
        conv1/kernel, conv1_norm/{scale,bias}           3x3, or 1x1 in a bottleneck
        conv2/kernel, conv2_norm/{scale,bias}           3x3
        conv3/kernel, conv3_norm/{scale,bias}           1x1; in bottlenecks alone
        downsample/kernel, downsample_norm/{scale,bias} 1x1; where the shape changes
    params/fc/{kernel,bias}                       [512 or 2048, classes], [classes]

and, in the collection `batch_stats`, {mean,var} at the path of every norm: [channels], or, with
statistics of each domain, [domains, channels].
"""

from dataclasses import dataclass
from functools import partial

import flax.linen as nn
import jax

from jtransfer.nets.parts.batch_norm import BatchNorm
from jtransfer.nets.parts.initializers import he_normal_of_outputs
from jtransfer.nets.parts.layers import Conv, max_pool
from jtransfer.nets.parts.patches import padded
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.torch_layout import TorchNames

_WIDTHS = (64, 128, 256, 512)  # of the blocks of layer1 to layer4, inside
_WIDENING = 4  # of a bottleneck's outputs


@dataclass(frozen=True)
class Depth:
    """How one of the nets is built.

    Attributes:
      blocks: number of blocks of layer1 to layer4.
      bottleneck: whether they are bottlenecks, of three convolutions, or of two.
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool


RESNET: dict[int, Depth] = {
    18: Depth((2, 2, 2, 2), bottleneck=False),
    34: Depth((3, 4, 6, 3), bottleneck=False),
    50: Depth((3, 4, 6, 3), bottleneck=True),
    101: Depth((3, 4, 23, 3), bottleneck=True),
}


def _convolution(features: int, side: int, stride: int = 1, *, name: str) -> Conv:
    """Without bias; its kernel begins normal with variance 2 / outputs, as torchvision's."""
    around = (side // 2, side // 2)
    return Conv(
        features,
        side,
        padding=(around, around),
        use_bias=False,
        stride=stride,
        kernel_init=he_normal_of_outputs,
        name=name,
    )


class StemStage(nn.Module):
    """The first convolution, 7x7 with stride 2, its batch norm, and a max pool with stride 2."""

    norm: BatchNorm

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, 3] to [batch, height / 4, width / 4, 64], rounded up."""
        maps = _convolution(_WIDTHS[0], 7, stride=2, name="conv")(images)
        maps = nn.relu(self.norm(maps, name="norm", train=train, domains=domains))
        # Behind ReLU no maximum is of the zeros around.
        return max_pool(padded(maps, ((1, 1), (1, 1))), window=3, stride=2)


class Block(nn.Module):
    """A residual block: convolutions, whose result is added to the input, and ReLU.

    Attributes:
      width: number of channels inside.
      stride: of its first 3x3 convolution in pixels.
      bottleneck: whether that is between two 1x1 ones, the last of which widens; or one of two.
      norm: behind every convolution.
    """

    width: int
    stride: int
    bottleneck: bool
    norm: BatchNorm

    @nn.compact
    def __call__(self, inputs: jax.Array, *, train: bool, domains: tuple[int, ...]) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', channels']."""

        def convolved(maps: jax.Array, features: int, side: int, stride: int, name: str):
            maps = _convolution(features, side, stride, name=name)(maps)
            return self.norm(maps, name=f"{name}_norm", train=train, domains=domains)

        width, stride = self.width, self.stride
        outputs = width * _WIDENING if self.bottleneck else width
        if self.bottleneck:
            maps = nn.relu(convolved(inputs, width, 1, 1, "conv1"))
            maps = nn.relu(convolved(maps, width, 3, stride, "conv2"))
            maps = convolved(maps, outputs, 1, 1, "conv3")
        else:
            maps = nn.relu(convolved(inputs, width, 3, stride, "conv1"))
            maps = convolved(maps, outputs, 3, 1, "conv2")
        if stride > 1 or inputs.shape[-1] != outputs:
            inputs = convolved(inputs, outputs, 1, stride, "downsample")
        return nn.relu(inputs + maps)


class LayerStage(nn.Module):
    """Residual blocks in a row, the first of which has the stride.

    Attributes:
      blocks: how many.
      width, stride, bottleneck, norm: as of `Block`.
    """

    blocks: int
    width: int
    stride: int
    bottleneck: bool
    norm: BatchNorm

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', channels']."""
        for number in range(1, self.blocks + 1):
            stride = self.stride if number == 1 else 1
            block = Block(self.width, stride, self.bottleneck, self.norm, name=f"block{number}")
            maps = block(maps, train=train, domains=domains)
        return maps


class PoolStage(nn.Module):
    """The average over the pixels."""

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, channels]."""
        return maps.mean(axis=(1, 2))


def resnet(
    depth: int,
    *,
    classes: int = 1000,
    frozen_statistics: bool = True,
    num_domains: int | None = None,
) -> Trunk:
    """ResNet of one of four depths.

    For [batch, 224, 224, 3] images, RGB in 0..1, normalised by ImageNet's mean and deviation, or of
    any other size.

    Args:
      depth: 18, 34, 50 or 101.
      classes: number of outputs of fc.
      frozen_statistics: whether batch norm uses the running statistics in training too. If not, it
        then uses the batch's and records them (`batch_stats`, momentum .9).
      num_domains: how many domains have statistics of their own (see `DomainBatchNorm`); published
        weights get them by `statistics_per_domain`. None: all domains have the same.

    Returns:
      A trunk of the stages stem, layer1 ... layer4, pool (the average over the pixels, [batch, 512]
      or, from depth 50 on, [batch, 2048]) and fc (logits).

    Raises:
      ValueError: if there is no net of that depth.
    """
    shape = _shape(depth)
    norm = BatchNorm(epsilon=1e-5, momentum=0.9, frozen=frozen_statistics, num_domains=num_domains)
    layers = [
        (
            f"layer{number}",
            partial(LayerStage, blocks, width, 1 if number == 1 else 2, shape.bottleneck, norm),
        )
        for number, (blocks, width) in enumerate(zip(shape.blocks, _WIDTHS, strict=True), start=1)
    ]
    return Trunk(
        (
            ("stem", partial(StemStage, norm)),
            *layers,
            ("pool", PoolStage),
            ("fc", partial(FullStage, classes, relu=False)),
        )
    )


def resnet_names(depth: int) -> TorchNames:
    """What torchvision and timm call the modules of the net; both say the same.

    Raises:
      ValueError: if there is no net of that depth.
    """
    shape = _shape(depth)
    in_a_block = {
        f"{theirs}{number}": f"conv{number}{ours}"
        for number in range(1, 4 if shape.bottleneck else 3)
        for theirs, ours in (("conv", ""), ("bn", "_norm"))
    }
    shortcut = {"downsample.0": "downsample", "downsample.1": "downsample_norm"}
    modules: dict[str, tuple[str, ...]] = {"conv1": ("stem", "conv"), "bn1": ("stem", "norm")}
    for layer, blocks in enumerate(shape.blocks, start=1):
        for block in range(blocks):
            changes = block == 0 and (layer > 1 or shape.bottleneck)
            for theirs, ours in {**in_a_block, **(shortcut if changes else {})}.items():
                modules[f"layer{layer}.{block}.{theirs}"] = (
                    f"layer{layer}",
                    f"block{block + 1}",
                    ours,
                )
    return TorchNames({**modules, "fc": ("fc",)})


def _shape(depth: int) -> Depth:
    if depth not in RESNET:
        known = ", ".join(map(str, RESNET))
        raise ValueError(f"there is no ResNet-{depth} here; expected a depth of {known}")
    return RESNET[depth]
