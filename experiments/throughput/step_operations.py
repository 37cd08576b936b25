"""The operations of the timed steps, by their names."""

from dataclasses import replace
from typing import Any

from experiments.throughput.layer_operations import (
    APART,
    TOGETHER,
    Operation,
    convolved,
    fully,
    pooled,
    tokens,
)
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.vit import VIT


def bottleneck(layer: str, batch: int, side: int, channels: int, kernel: int) -> list[Operation]:
    """An inverted bottleneck of EfficientNet-Lite, six times as wide inside."""
    wide, maps = 6 * channels, (batch, side, side, 6 * channels)
    around = kernel // 2
    return [
        *convolved(f"{layer} expand", batch, side, (channels, wide), 1),
        Operation(f"{layer} norm, ReLU6", "norm", TOGETHER, maps, (wide,)),
        *(
            Operation(
                f"{layer} depthwise", "depthwise", part, maps, (kernel, kernel, 1, wide), 1, around
            )
            for part in APART
        ),
        *convolved(f"{layer} project", batch, side, (wide, channels), 1),
    ]


def _alexnet(batch: int, sides: tuple[int, int, int], **options: Any) -> list[Operation]:
    image, two, three = sides
    return [
        *convolved(
            "conv1", batch, image, (3, 64), 11, around=2, stride=4, reads_images=True, **options
        ),
        *convolved("conv2", batch, two, (64, 192), 5, around=2, **options),
        *convolved("conv3", batch, three, (192, 384), 3, around=1, **options),
        *convolved("conv4", batch, three, (384, 256), 3, around=1, **options),
        *convolved("conv5", batch, three, (256, 256), 3, around=1, **options),
    ]


def _resnet18(batch: int, side: int) -> list[Operation]:
    """The convolutions of ResNet-18, those of one shape once; batch norms are element-wise."""
    found = [
        *convolved("stem", batch, side, (3, 64), 7, around=3, stride=2, reads_images=True),
        # A pixel more, as the pool is padded.
        pooled("stem pool", batch, side // 2 + 1, 64, 3),
        *convolved("layer1 3x3", batch, side // 4, (64, 64), 3, around=1),
    ]
    for number, channels in ((2, 128), (3, 256), (4, 512)):
        before, after = side // 2**number, side // 2 ** (number + 1)
        shape = channels // 2, channels
        name = f"layer{number}"
        found += convolved(f"{name} 3x3, stride 2", batch, before, shape, 3, around=1, stride=2)
        found += convolved(f"{name} 3x3", batch, after, (channels, channels), 3, around=1)
    return found


def transformer(batch: int, count: int, shape: TransformerShape) -> list[Operation]:
    """What a block of a transformer is made of."""
    width, heads = shape.width, shape.heads
    seen, wide = (batch, count, width), (batch, count, 4 * width)
    return [
        Operation("layer norm", "layer norm", TOGETHER, seen, (width,)),
        tokens("query, key, value: each", batch, count, width, width),
        Operation(
            "attention", "attention", TOGETHER, (batch, count, 3 * width), (heads, width // heads)
        ),
        tokens("fc1", batch, count, width, 4 * width),
        Operation("GELU", "gelu", TOGETHER, wide, (0,)),
        tokens("fc2", batch, count, 4 * width, width),
    ]


def _convnext(batch: int, stage: int, side: int, channels: int) -> list[Operation]:
    """The way through a block of ConvNeXt."""
    maps, pixels = (batch, side, side, channels), side * side
    wide = (batch, pixels, 4 * channels)
    of_tokens = [
        Operation("layer norm", "layer norm", "forward", maps, (channels,)),
        replace(tokens("fc1", batch, pixels, channels, 4 * channels), part="forward"),
        Operation("GELU", "gelu", "forward", wide, (0,)),
        replace(tokens("fc2", batch, pixels, 4 * channels, channels), part="forward"),
    ]
    depthwise = Operation("7x7", "depthwise", "forward", maps, (7, 7, 1, channels), 1, 3)
    return [replace(each, layer=f"stage{stage} {each.layer}") for each in (depthwise, *of_tokens)]


# By the steps of `timed_steps`, at their small sizes.
OPERATIONS: dict[str, tuple[Operation, ...]] = {
    "dann-mnist": (
        *convolved("conv1", 128, 32, (3, 32), 5, reads_images=True),
        pooled("pool1", 128, 28, 32, 2),
        *convolved("conv2", 128, 14, (32, 48), 5),
        pooled("pool2", 128, 10, 48, 2),
        fully("label fc1", 64, 1200, 100),
    ),
    "dann-svhn": (
        *convolved("conv1", 128, 32, (3, 64), 5, around=2, reads_images=True),
        pooled("pool1", 128, 32, 64, 3),
        *convolved("conv2", 128, 15, (64, 64), 5, around=2),
        pooled("pool2", 128, 15, 64, 3),
        *convolved("conv3", 128, 7, (64, 128), 5, around=2),
        fully("label fc1", 64, 6272, 3072),
        fully("domain fc1", 128, 6272, 1024),
    ),
    "alexnet-forward": tuple(_alexnet(32, (224, 27, 13), parts=("forward",))),
    "alexnet-tuning": (
        *_alexnet(32, (160, 19, 9)),
        pooled("pool1", 32, 39, 64, 3),
        pooled("pool2", 32, 19, 192, 3),
    ),
    "lite0-tuning": (
        *bottleneck("block2", 16, 32, 24, 3),
        *bottleneck("block3", 16, 16, 40, 5),
        *bottleneck("block5", 16, 8, 112, 5),
    ),
    "resnet18-tuning": tuple(_resnet18(16, 128)),
    "convnext-forward": (*_convnext(16, 1, 56, 96), *_convnext(16, 3, 14, 384)),
    "vit-tiny-tuning": tuple(transformer(16, 1 + 14 * 14, VIT["tiny"])),
}
