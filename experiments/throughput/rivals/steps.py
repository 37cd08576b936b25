"""The steps that PyTorch takes beside jtransfer's, by the same names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from experiments.throughput.random_data import Pixels, Size, random_floats, random_images
from experiments.throughput.rivals.adaptation_losses import (
    Adda,
    Dann,
    Teacher,
    mapped_and_convolved,
)
from experiments.throughput.rivals.adaptation_nets import LENET, AdaptationNet, ganin_shape
from experiments.throughput.rivals.adversaries import Batch
from experiments.throughput.rivals.alexnet import AlexNet2014
from experiments.throughput.rivals.convnext import ConvNeXtTiny
from experiments.throughput.rivals.efficientnet import EfficientNetLite0
from experiments.throughput.rivals.resnet import ResNet
from experiments.throughput.rivals.translation import Translation
from experiments.throughput.rivals.vit import VisionTransformer
from jtransfer.data.feeds.resident import channel_means
from jtransfer.nets.vit import VIT
from jtransfer.nets.weights.catalogue.table import PRETRAINED

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

Prepare = Callable[[torch.Tensor], torch.Tensor]


class FineTuned(nn.Module):
    """A trunk with a linear head; batch norm uses its running statistics."""

    def __init__(self, trunk: nn.Module, last: str, size: Size):
        super().__init__()
        self.trunk, self.last = trunk.eval(), last
        with torch.no_grad():
            blank = torch.zeros(1, size.channels, size.pixels, size.pixels)
            features = trunk(blank)[last].numel()
        self.head = nn.Linear(features, size.classes)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The label loss."""
        features = self.trunk(batch["source"])[self.last].flatten(1)
        return functional.cross_entropy(self.head(features), batch["label"])


def prepare_images(pixels: Pixels, images: np.ndarray) -> Prepare:
    """What is done to a domain's uint8 images once they are floats in 0..1, channels first."""
    if pixels == "standardised":

        def standardise(floats: torch.Tensor) -> torch.Tensor:
            deviation = floats.std((2, 3), correction=0, keepdim=True)
            return (floats - floats.mean((2, 3), keepdim=True)) / (deviation + 0.05)

        return standardise
    if pixels == "plain":
        return lambda floats: floats
    if pixels == "imagenet":
        about = PRETRAINED["alexnet_2014"].preprocessing
        mean, std = (torch.tensor(each, device=DEVICE) for each in (about.mean, about.std))
        return lambda floats: (floats - mean[:, None, None]) / std[:, None, None]
    means = torch.from_numpy(channel_means(images)).to(DEVICE)[:, None, None]
    return lambda floats: floats - means


@dataclass(frozen=True)
class TorchStep:
    """A training step.

    Attributes:
      module: from a size to a module with `loss(batch)`.
      optimizer: from what moves to its optimizer.
      pixels: what is done to the images.
    """

    module: Callable[[Size], Any]
    optimizer: Callable[..., torch.optim.Optimizer]
    pixels: Pixels

    def prepare(self, size: Size) -> Callable[[], None]:
        """A step of it at a time, from uint8 images that lie on the device."""
        module = self.module(size).to(DEVICE)
        step = self.step_of(module)
        arrays, random = random_images(size), np.random.default_rng(0)
        of_domain = {
            name: (
                torch.from_numpy(fields["image"]).to(DEVICE),
                prepare_images(self.pixels, fields["image"]),
            )
            for name, fields in arrays.items()
        }
        labels = torch.from_numpy(arrays["source"]["label"]).long().to(DEVICE)

        def run() -> None:
            batch = {}
            for name, (images, prepared) in of_domain.items():
                places = random.integers(0, len(images), size.batch)
                positions = torch.from_numpy(places).to(DEVICE)
                # A view: PyTorch then works on channels last.
                floats = (images[positions].float() / 255.0).permute(0, 3, 1, 2)
                batch[name] = prepared(floats)
                if name == "source":
                    batch["label"] = labels[positions]
            step(batch)
            wait()

        return run

    def step_of(self, module: Any) -> Callable[[Batch], torch.Tensor]:
        """From a batch to its loss; the module moves."""
        optimizer = self.optimizer([each for each in module.parameters() if each.requires_grad])

        def step(batch: Batch) -> torch.Tensor:
            optimizer.zero_grad()
            loss = module.loss(batch)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step


@dataclass(frozen=True)
class TorchForward:
    """A forward pass of a whole net."""

    net: Callable[[], nn.Module]

    def prepare(self, size: Size) -> Callable[[], None]:
        """A batch at a time."""
        net = self.net().eval().to(DEVICE)
        images = torch.from_numpy(random_floats(size)).permute(0, 3, 1, 2).contiguous().to(DEVICE)

        def run() -> None:
            with torch.inference_mode():
                net(images)
            wait()

        return run


class ByteImages(torch.utils.data.Dataset):
    """Images of bytes [n, side, side, channels], turned into centred floats one at a time."""

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = torch.from_numpy(images), labels
        self.means = torch.from_numpy(channel_means(images))[:, None, None]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        image = self.images[position].permute(2, 0, 1).float().div(255).sub(self.means)
        return image, int(self.labels[position])


def wait() -> None:
    """Until a GPU has done what it was told."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def adaptation_net(size: Size, *, shape: Any, norm: bool = False) -> AdaptationNet:
    """A net for images of that size."""
    return AdaptationNet(
        shape, side=size.pixels, channels=size.channels, classes=size.classes, norm=norm
    )


def dann(size: Size, *, name: str) -> Dann:
    """One of the three nets, for domain-adversarial training."""
    return Dann(adaptation_net(size, shape=ganin_shape(name, width=size.width)))


def teacher(size: Size, *, augment: Any = mapped_and_convolved) -> Teacher:
    """The MNIST net with batch norm and its teacher."""
    net = adaptation_net(size, shape=ganin_shape("mnist"), norm=True)
    return Teacher(net, size.classes, augment=augment)


_momentum = partial(torch.optim.SGD, lr=0.01, momentum=0.9)
_tuning = partial(torch.optim.SGD, lr=1e-3, momentum=0.9, nesterov=True)
TORCH_STEPS: dict[str, TorchStep | TorchForward] = {
    **{
        f"dann-{name}": TorchStep(partial(dann, name=name), _momentum, "centred")
        for name in ("mnist", "svhn", "gtsrb")
    },
    "adda": TorchStep(
        lambda size: Adda(adaptation_net(size, shape=LENET)),
        partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999)),
        "centred",
    ),
    "teacher": TorchStep(teacher, partial(torch.optim.Adam, lr=1e-3), "standardised"),
    "translation": TorchStep(
        lambda size: Translation(side=size.pixels, channels=size.channels, classes=size.classes),
        partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999)),
        "plain",
    ),
    "alexnet-forward": TorchForward(AlexNet2014),
    "alexnet-tuning": TorchStep(
        lambda size: FineTuned(AlexNet2014("conv5"), "conv5", size), _tuning, "imagenet"
    ),
    "lite0-forward": TorchForward(EfficientNetLite0),
    "lite0-tuning": TorchStep(
        lambda size: FineTuned(EfficientNetLite0(None), "top", size), _tuning, "imagenet"
    ),
    "resnet50-forward": TorchForward(lambda: ResNet((3, 4, 6, 3), bottleneck=True)),
    "resnet18-tuning": TorchStep(
        lambda size: FineTuned(ResNet((2, 2, 2, 2), classes=None), "pool", size),
        _tuning,
        "imagenet",
    ),
    "convnext-forward": TorchForward(ConvNeXtTiny),
    "vit-small-forward": TorchForward(lambda: VisionTransformer(VIT["small"])),
    "vit-tiny-tuning": TorchStep(
        lambda size: FineTuned(VisionTransformer(VIT["tiny"], classes=None), "norm", size),
        _tuning,
        "imagenet",
    ),
}
