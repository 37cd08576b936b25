"""Image translation in PyTorch: the rival in benchmarks, the oracle in tests."""

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from experiments.throughput.random_data import RAMP
from experiments.throughput.rivals.adaptation_nets import AdaptationNet, Shape, put, put_array
from experiments.throughput.rivals.adversaries import Batch, domain_loss, held

OWN, OTHER = (0, 1), (1, 0)
LATENT, IMAGE, IDENTITY, CYCLE = 0.2, 0.02, 0.1, 0.05  # weights of the terms


class CodeReader(nn.Module):
    """From codes to maps."""

    def __init__(self, code: int, side: int, width: int):
        super().__init__()
        self.maps = (2 * width, side, side)
        self.fc1 = nn.Linear(code, 2 * width * side * side)
        self.conv2 = nn.Conv2d(2 * width, 4 * width, 3, padding=1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Map [n, code] to [n, width, 2 side, 2 side]."""
        maps = self.fc1(codes).relu().view(-1, *self.maps)
        return functional.pixel_shuffle(self.conv2(maps), 2).relu()

    def load(self, params: Any) -> None:
        """Take the parameters of the Flax module, whose maps have their channels last."""
        kernel, bias = (np.asarray(params["fc1"][name]) for name in ("kernel", "bias"))
        channels, height, width = self.maps
        order = np.arange(bias.size).reshape(height, width, channels).transpose(2, 0, 1).ravel()
        put_array(self.fc1.weight, kernel[:, order].T)
        put_array(self.fc1.bias, bias[order])
        put_shuffled(self.conv2, params["conv2"])


class ImageWriter(nn.Module):
    """From maps to images of twice the side."""

    def __init__(self, width: int, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = nn.GroupNorm(1, width, eps=1e-6)
        self.out = nn.Conv2d(width, 4 * channels, 3, padding=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Images in 0..1."""
        maps = self.norm1(self.conv1(maps)).relu()
        return functional.pixel_shuffle(self.out(maps), 2).sigmoid()

    def load(self, params: Any) -> None:
        """Take the parameters of the Flax module."""
        put(self.conv1, params["conv1"])
        put_array(self.norm1.weight, np.asarray(params["norm1"]["scale"]))
        put_array(self.norm1.bias, np.asarray(params["norm1"]["bias"]))
        put_shuffled(self.out, params["out"])


class ImageHead(nn.Module):
    """Three convolutions that judge every part of an image."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)
        self.out = nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits [n, 1, side / 4, side / 4]."""
        leaky = functional.leaky_relu
        return self.out(leaky(self.conv2(leaky(self.conv1(images), 0.2)), 0.2))

    def load(self, params: Any) -> None:
        """Take the parameters of the Flax module, which convolves squares of four pixels."""
        for name in ("conv1", "conv2"):
            kernel = np.asarray(params[name]["kernel"])  # [2, 2, 2 x 2 x inputs, outputs]
            outputs = kernel.shape[-1]
            squares = kernel.reshape(2, 2, 2, 2, -1, outputs).transpose(0, 2, 1, 3, 4, 5)
            kernel = squares.reshape(4, 4, -1, outputs)
            put(getattr(self, name), {"kernel": kernel, "bias": params[name]["bias"]})
        put(self.out, params["out"])


class Translation(nn.Module):
    """The net and its loss."""

    def __init__(self, *, side: int, channels: int, classes: int, width: int = 16):
        super().__init__()
        convs = ((width, 5, True, (2, 2)), (3 * width // 2, 5, False, (2, 2)))
        shape = Shape(convs, (100,), (100, 100, 1), code=128)
        self.net = AdaptationNet(shape, side=side, channels=channels, classes=classes, norm=True)
        self.reader = CodeReader(128, side // 4, width)
        self.writers = nn.ModuleList(ImageWriter(width, channels) for _ in OWN)
        self.heads = nn.ModuleList(ImageHead(channels, width) for _ in OWN)

    def decode(self, codes: torch.Tensor, domains: tuple[int, int]) -> torch.Tensor:
        """Images of each half's domain."""
        halves = self.reader(codes).chunk(2)
        return torch.cat([self.writers[d](half) for d, half in zip(domains, halves, strict=True)])

    def judge(self, images: torch.Tensor, domains: tuple[int, int]) -> torch.Tensor:
        """How real each part of an image is."""
        halves = images.chunk(2)
        return torch.cat([self.heads[d](half) for d, half in zip(domains, halves, strict=True)])

    def loss(self, batch: Batch) -> torch.Tensor:
        """All terms of image translation."""
        images = torch.cat([batch["source"], batch["target"]])
        count = len(batch["source"])
        codes = self.net.features(images)
        classified = functional.cross_entropy(self.net.label_head(codes[:count]), batch["label"])
        told = domain_loss(self.net.discriminate(codes.detach()))
        same, translated = self.decode(codes, OWN), self.decode(codes, OTHER)
        errors = [(self.judge(images, OWN) - 1).square()]
        errors.append(self.judge(translated.detach(), OTHER).square())
        with held(self.net.domain_head), held(self.heads):
            encoder = functional.softplus(self.net.discriminate(codes[count:])).mean()
            translator = (self.judge(translated, OTHER) - 1).square().mean()
        again = self.net.features(translated, domains=OTHER, record=False)
        back = self.decode(again, OWN)
        return (
            classified
            + told
            + RAMP * LATENT * encoder
            + torch.cat(errors).mean()
            + RAMP * IMAGE * translator
            + IDENTITY * (same - images).abs().mean()
            + CYCLE * (back - images).abs().mean()
        )

    def load(self, params: Any) -> None:
        """Take the parameters of jtransfer's net."""
        self.net.load(params)
        self.reader.load(params["code_reader"])
        for domain in OWN:
            for modules, name in ((self.writers, "image_writers"), (self.heads, "image_heads")):
                module: Any = modules[domain]
                module.load(params[f"{name}_{domain}"])


def put_shuffled(conv: nn.Conv2d, values: Any) -> None:
    """A convolution before a pixel shuffle: there a pixel's four places come last, here first."""
    kernel, bias = (np.asarray(values[name]) for name in ("kernel", "bias"))
    order = np.arange(bias.size).reshape(4, -1).T.ravel()
    put(conv, {"kernel": kernel[..., order], "bias": bias[order]})
