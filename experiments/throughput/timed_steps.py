"""The list of steps that are timed: at what sizes, and how many operations they are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from experiments.throughput import flop_counts
from experiments.throughput.jax_steps import (
    Work,
    adda,
    dann,
    fine_tuning,
    forward,
    speech,
    teacher,
    translation,
    zero_shot,
)
from experiments.throughput.random_data import Size
from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.convnext import convnext
from jtransfer.nets.efficientnet_lite import efficientnet_lite
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.resnet import resnet
from jtransfer.nets.vit import VIT, vit
from jtransfer.recipes.finetuning.images.nets import TUNED_NETS


@dataclass(frozen=True)
class TimedStep:
    """A row of the table.

    Attributes:
      title: what is done.
      build: from a size to what is timed.
      small: size of a step on CPU.
      full: on an accelerator.
      flop: operations of a step counted by hand; None where that is not simple.
    """

    title: str
    build: Callable[[Size], Work]
    small: Size
    full: Size
    flop: Callable[[Size], int] | None = None

    def size(self, platform: str) -> Size:
        """Of a step on a platform of JAX: the one place that decides."""
        return self.small if platform == "cpu" else self.full

    def counted(self, size: Size) -> int | None:
        """Operations of a step of a size, where they are counted by hand."""
        return None if self.flop is None else self.flop(size)


def _of_two(batch: int, pixels: int, channels: int = 3, **others) -> Size:
    return Size(batch, pixels, channels, domains=2, **others)


def dann_flop(size: Size, *, name: str) -> int:
    """Of a step of domain-adversarial training."""
    return flop_counts.dann(name, batch=size.batch, classes=size.classes, width=size.width)


def alexnet_flop(size: Size) -> int:
    """Of the whole AlexNet-2014's forward pass."""
    head = flop_counts.dense(9216, 4096, 4096, size.classes)
    return size.batch * flop_counts.forward(flop_counts.alexnet(size.pixels) + head)


def alexnet_tuning_flop(size: Size) -> int:
    """Of a step on its convolutions and a linear head."""
    head = flop_counts.dense(flop_counts.alexnet_features(size.pixels), size.classes)
    return size.batch * flop_counts.training(flop_counts.alexnet(size.pixels) + head)


def lite0_flop(size: Size) -> int:
    """Of EfficientNet-Lite0's forward pass."""
    head = flop_counts.dense(1280, size.classes)
    return size.batch * flop_counts.forward(flop_counts.efficientnet_lite0(size.pixels) + head)


def lite0_tuning_flop(size: Size) -> int:
    """Of a step on all of it, with a linear head."""
    head = flop_counts.dense(1280, size.classes)
    return size.batch * flop_counts.training(flop_counts.efficientnet_lite0(size.pixels) + head)


def resnet18_trunk() -> Trunk:
    """ResNet-18 up to its features."""
    whole = resnet(18)
    return whole.clone(stages=whole.stages[: whole.stage_names.index("pool") + 1])


def resnet50_flop(size: Size) -> int:
    """Of ResNet-50's forward pass."""
    head = flop_counts.dense(2048, size.classes)
    return size.batch * flop_counts.forward(flop_counts.resnet(50, size.pixels) + head)


def resnet18_tuning_flop(size: Size) -> int:
    """Of a step on all of ResNet-18, with a linear head."""
    head = flop_counts.dense(512, size.classes)
    return size.batch * flop_counts.training(flop_counts.resnet(18, size.pixels) + head)


def convnext_flop(size: Size) -> int:
    """Of ConvNeXt-T's forward pass."""
    head = flop_counts.dense(768, size.classes)
    return size.batch * flop_counts.forward(flop_counts.convnext("tiny", size.pixels) + head)


def vit_tiny_trunk() -> Trunk:
    """ViT-Ti/16 up to its features."""
    whole = vit("tiny")
    return whole.clone(stages=whole.stages[:-1])


def vit_small_flop(size: Size) -> int:
    """Of ViT-S/16's forward pass."""
    head = flop_counts.dense(VIT["small"].width, size.classes)
    return size.batch * flop_counts.forward(flop_counts.vit(VIT["small"], size.pixels) + head)


def vit_tiny_tuning_flop(size: Size) -> int:
    """Of a step on all of ViT-Ti/16, with a linear head."""
    head = flop_counts.dense(VIT["tiny"].width, size.classes)
    return size.batch * flop_counts.training(flop_counts.vit(VIT["tiny"], size.pixels) + head)


TIMED: dict[str, TimedStep] = {
    "dann-mnist": TimedStep(
        "DANN, MNIST net",
        partial(dann, name="mnist"),
        _of_two(64, 32),
        _of_two(512, 32),
        partial(dann_flop, name="mnist"),
    ),
    "dann-svhn": TimedStep(
        "DANN, SVHN net",
        partial(dann, name="svhn"),
        _of_two(64, 32),
        _of_two(512, 32),
        partial(dann_flop, name="svhn"),
    ),
    # At the width of the small preset of `adapt_digits`.
    "dann-gtsrb": TimedStep(
        "DANN, GTSRB net",
        partial(dann, name="gtsrb"),
        _of_two(64, 40, classes=43, width=0.5),
        _of_two(512, 40, classes=43),
        partial(dann_flop, name="gtsrb"),
    ),
    "adda": TimedStep("ADDA, LeNet", adda, _of_two(64, 28, 1), _of_two(512, 28, 1)),
    "teacher": TimedStep(
        "mean teacher + DANN, MNIST net with batch norm", teacher, _of_two(64, 32), _of_two(512, 32)
    ),
    "translation": TimedStep(
        "image translation", translation, _of_two(64, 28, 1), _of_two(512, 28, 1)
    ),
    "alexnet-forward": TimedStep(
        "AlexNet-2014 forward",
        partial(forward, net=alexnet_2014),
        Size(32, 224, classes=1000),
        Size(512, 224, classes=1000),
        alexnet_flop,
    ),
    "alexnet-tuning": TimedStep(
        "AlexNet-2014 fine-tuning",
        partial(fine_tuning, trunk=TUNED_NETS["alexnet_2014"].trunk),
        Size(32, 160, classes=101),
        Size(256, 224, classes=101),
        alexnet_tuning_flop,
    ),
    "lite0-forward": TimedStep(
        "EfficientNet-Lite0 forward",
        partial(forward, net=partial(efficientnet_lite, 0)),
        Size(16, 224, classes=1000),
        Size(512, 224, classes=1000),
        lite0_flop,
    ),
    "lite0-tuning": TimedStep(
        "EfficientNet-Lite0 fine-tuning",
        partial(fine_tuning, trunk=TUNED_NETS["efficientnet_lite0"].trunk),
        Size(16, 128, classes=101),
        Size(256, 224, classes=101),
        lite0_tuning_flop,
    ),
    "resnet50-forward": TimedStep(
        "ResNet-50 forward",
        partial(forward, net=partial(resnet, 50)),
        Size(16, 224, classes=1000),
        Size(512, 224, classes=1000),
        resnet50_flop,
    ),
    "resnet18-tuning": TimedStep(
        "ResNet-18 fine-tuning",
        partial(fine_tuning, trunk=resnet18_trunk),
        Size(16, 128, classes=101),
        Size(256, 224, classes=101),
        resnet18_tuning_flop,
    ),
    "convnext-forward": TimedStep(
        "ConvNeXt-T forward",
        partial(forward, net=partial(convnext, "tiny")),
        Size(16, 224, classes=1000),
        Size(512, 224, classes=1000),
        convnext_flop,
    ),
    "vit-small-forward": TimedStep(
        "ViT-S/16 forward",
        partial(forward, net=partial(vit, "small")),
        Size(16, 224, classes=1000),
        Size(512, 224, classes=1000),
        vit_small_flop,
    ),
    "vit-tiny-tuning": TimedStep(
        "ViT-Ti/16 fine-tuning",
        partial(fine_tuning, trunk=vit_tiny_trunk),
        Size(16, 224, classes=101),
        Size(256, 224, classes=101),
        vit_tiny_tuning_flop,
    ),
    "zero-shot": TimedStep(
        "zero-shot: ALE, 2,252 features", zero_shot, Size(128, classes=40), Size(4096, classes=40)
    ),
    "speech": TimedStep("acoustic net, 98 x 40 frames", speech, Size(64), Size(1024)),
}
