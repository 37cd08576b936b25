"""Multiplications and additions of the nets that are timed, counted by hand.

A layer is a matrix product: a convolution is one of its windows with its kernel. What is done to
single numbers (ReLU, pooling, norms, the optimizer) is left out, and the zeros of the padding count
as pixels.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from jtransfer.nets.convnext import CONVNEXT
from jtransfer.nets.efficientnet_lite import BLOCKS
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.resnet import RESNET


@dataclass(frozen=True)
class Layer:
    """A layer of one image: `positions` windows of `inputs` numbers give `outputs` numbers each."""

    positions: int
    inputs: int
    outputs: int

    @property
    def flop(self) -> int:
        """A multiplication and an addition for every weight at every position."""
        return 2 * self.positions * self.inputs * self.outputs


def dense(*widths: int) -> list[Layer]:
    """Fully connected layers from width to width."""
    return [Layer(1, one, other) for one, other in pairwise(widths)]


def square(side: int, kernel: int, inputs: int, outputs: int) -> Layer:
    """A convolution that gives maps of side x side pixels."""
    return Layer(side * side, kernel * kernel * inputs, outputs)


def forward(layers: list[Layer]) -> int:
    """Operations of an image's way through the layers."""
    return sum(layer.flop for layer in layers)


def training(layers: list[Layer], *, from_images: bool = True) -> int:
    """Operations of the way there and back: the gradients of the weights and of the inputs.

    The first layer's inputs, if they are images, need no gradient.
    """
    return 3 * forward(layers) - (layers[0].flop if from_images else 0)


def ganin(name: str, *, width: float = 1.0) -> list[Layer]:
    """The convolutions of one of the three nets for domain-adversarial training."""
    if name == "mnist":  # 32 - 4 = 28, 14; 14 - 4 = 10, 5
        return [square(28, 5, 3, 32), square(10, 5, 32, 48)]
    if name == "svhn":  # 32, 15, 7: windows of three pixels, two apart
        return [square(32, 5, 3, 64), square(15, 5, 64, 64), square(7, 5, 64, 128)]
    if name == "gtsrb":  # 40, 20, 10, 5
        one, two, three = (round(width * count) for count in (96, 144, 256))
        return [square(40, 5, 3, one), square(20, 3, one, two), square(10, 5, two, three)]
    raise ValueError(f"no count of {name!r}; expected mnist, svhn or gtsrb")


def dann(name: str, *, batch: int, classes: int, width: float = 1.0) -> int:
    """Operations of a step on `batch` images of each domain; the label head reads the source's."""
    trunk = ganin(name, width=width)
    features = {"mnist": 5 * 5, "svhn": 7 * 7, "gtsrb": 5 * 5}[name] * trunk[-1].outputs
    hidden = {"mnist": (100, 100), "svhn": (3072, 2048), "gtsrb": (512,)}[name]
    of_domain = {"mnist": (100,), "svhn": (1024, 1024), "gtsrb": (1024, 1024)}[name]
    label, domain = dense(features, *hidden, classes), dense(features, *of_domain, 1)
    of_both = training(trunk) + training(domain, from_images=False)
    return 2 * batch * of_both + batch * training(label, from_images=False)


def alexnet(side: int) -> list[Layer]:
    """The five convolutions of AlexNet-2014 on images of side x side pixels."""
    one = (side + 2 * 2 - 11) // 4 + 1
    two = (one - 3) // 2 + 1
    three = (two - 3) // 2 + 1
    return [
        square(one, 11, 3, 64),
        square(two, 5, 64, 192),
        square(three, 3, 192, 384),
        square(three, 3, 384, 256),
        square(three, 3, 256, 256),
    ]


def alexnet_features(side: int) -> int:
    """How many numbers the last of them gives, pooled."""
    return 256 * ((math.isqrt(alexnet(side)[-1].positions) - 3) // 2 + 1) ** 2


def efficientnet_lite0(side: int) -> list[Layer]:
    """All convolutions of EfficientNet-Lite0; those of every channel by itself have one input."""
    side, channels = -(-side // 2), 32
    layers = [square(side, 3, 3, channels)]
    for block in BLOCKS:
        for number in range(block.layers):
            wide = block.expansion * channels
            if block.expansion > 1:
                layers.append(square(side, 1, channels, wide))
            side = -(-side // block.stride) if number == 0 else side
            layers.append(square(side, block.kernel_size, 1, wide))
            layers.append(square(side, 1, wide, block.channels))
            channels = block.channels
    return [*layers, square(side, 1, channels, 1280)]


def resnet(depth: int, side: int) -> list[Layer]:
    """All convolutions of ResNet."""
    shape, channels = RESNET[depth], 64
    side = -(-side // 2)
    layers = [square(side, 7, 3, channels)]
    side = -(-side // 2)
    for number, blocks in enumerate(shape.blocks):
        width = 64 * 2**number
        outputs = 4 * width if shape.bottleneck else width
        for block in range(blocks):
            before, side = side, -(-side // 2) if number > 0 and block == 0 else side
            if shape.bottleneck:
                layers.append(square(before, 1, channels, width))
                layers.append(square(side, 3, width, width))
                layers.append(square(side, 1, width, outputs))
            else:
                layers.append(square(side, 3, channels, width))
                layers.append(square(side, 3, width, width))
            if channels != outputs:
                layers.append(square(side, 1, channels, outputs))
            channels = outputs
    return layers


def convnext(size: str, side: int) -> list[Layer]:
    """All layers of ConvNeXt on maps."""
    shape, side = CONVNEXT[size], side // 4
    layers = [square(side, 4, 3, shape.widths[0])]
    for number, (blocks, width) in enumerate(zip(shape.blocks, shape.widths, strict=True)):
        if number > 0:
            side //= 2
            layers.append(square(side, 2, shape.widths[number - 1], width))
        block = [square(side, 7, 1, width), square(side, 1, width, 4 * width)]
        layers += blocks * [*block, square(side, 1, 4 * width, width)]
    return layers


def vit(shape: TransformerShape, side: int) -> list[Layer]:
    """All products of a vision transformer with patches of 16 pixels, attention's among them."""
    width, patches = shape.width, (side // 16) ** 2
    tokens = 1 + patches
    seen = [Layer(tokens, width, tokens), Layer(tokens, tokens, width)]
    ways = ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width))
    block = [*seen, *(Layer(tokens, inputs, outputs) for inputs, outputs in ways)]
    return [Layer(patches, 16 * 16 * 3, width), *(shape.depth * block)]
