"""Losses of domain adaptation in PyTorch: rivals in benchmarks, oracles in tests.

Each is a module with `loss(batch)`.
"""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from experiments.throughput.random_data import RAMP
from experiments.throughput.rivals.adaptation_nets import AdaptationNet
from experiments.throughput.rivals.adversaries import Batch, ReverseGradient, domain_loss, held


class Dann(nn.Module):
    """Domain-adversarial training."""

    def __init__(self, net: AdaptationNet):
        super().__init__()
        self.net = net

    def loss(self, batch: Batch) -> torch.Tensor:
        """Label loss plus domain loss behind gradient reversal."""
        features = self.net.features(torch.cat([batch["source"], batch["target"]]))
        logits = self.net.label_head(features[: len(batch["source"])])
        reversed_features = ReverseGradient.apply(features, RAMP)
        return functional.cross_entropy(logits, batch["label"]) + domain_loss(
            self.net.discriminate(reversed_features)
        )

    def load(self, params: Any) -> None:
        """Take the parameters of jtransfer's net."""
        self.net.load(params)


class Adda(nn.Module):
    """Adversarial discriminative domain adaptation."""

    def __init__(self, net: AdaptationNet):
        super().__init__()
        self.net, self.target = net, deepcopy(net.trunk)
        for module in (net.trunk, net.label_head):
            for parameter in module.parameters():
                parameter.requires_grad_(False)

    def loss(self, batch: Batch) -> torch.Tensor:
        """The discriminator's loss plus the target encoder's, by inverted labels."""
        with torch.no_grad():
            source = self.net.features(batch["source"])
        target = self.target(batch["target"])
        told = domain_loss(self.net.discriminate(torch.cat([source, target.detach()])))
        with held(self.net.domain_head):
            judged = self.net.discriminate(target)
        return told + functional.softplus(judged).mean()

    def load(self, params: Any) -> None:
        """Take the parameters of jtransfer's net, at first the same for both encoders."""
        self.net.load(params)
        self.target.load_state_dict(self.net.trunk.state_dict())


class Teacher(nn.Module):
    """A mean teacher beside domain-adversarial training."""

    def __init__(self, net: AdaptationNet, classes: int, *, augment: Callable | None = None):
        super().__init__()
        self.net, self.teacher, self.augment = net, deepcopy(net), augment
        for parameter in self.teacher.parameters():
            parameter.requires_grad_(False)
        self.labels: torch.Tensor = nn.Buffer(torch.full((classes,), 1 / classes))
        self.guesses: torch.Tensor = nn.Buffer(torch.full((classes,), 1 / classes))

    def loss(
        self, batch: Batch, *, decay: float = 0.99, threshold: float = 0.9, temperature: float = 0.5
    ) -> torch.Tensor:
        """Label loss, loss of the confident guesses and domain loss; the teacher follows."""
        images, labels = torch.cat([batch["source"], batch["target"]]), batch["label"]
        count = len(labels)
        with torch.no_grad():
            taught = self.teacher.label_head(self.teacher.features(images)).softmax(1)
            known, guesses = taught[:count], taught[count:]
            shares = functional.one_hot(labels, known.shape[1]).float().mean(0)
            self.labels.mul_(decay).add_(shares, alpha=1 - decay)
            self.guesses.mul_(decay).add_(guesses.mean(0), alpha=1 - decay)
            guesses = guesses * (self.labels / (self.guesses + 1e-6))
            guesses = guesses / guesses.sum(1, keepdim=True)
            guesses = guesses ** (1 / temperature)
            guesses = guesses / guesses.sum(1, keepdim=True)
            confident = guesses.amax(1) > threshold * known.amax(1).mean()
            for mine, its in zip(self.teacher.parameters(), self.net.parameters(), strict=True):
                mine.mul_(decay).add_(its, alpha=1 - decay)
            images = images if self.augment is None else self.augment(images)
        features = self.net.features(images)
        logits = self.net.label_head(features)
        judged = self.net.discriminate(ReverseGradient.apply(features, RAMP))
        losses = functional.cross_entropy(logits[count:], guesses, reduction="none")
        return (
            functional.cross_entropy(logits[:count], labels)
            + RAMP * (losses * confident).mean()
            + domain_loss(judged)
        )

    def load(self, params: Any) -> None:
        """Take the parameters of jtransfer's net, at first the teacher's too."""
        self.net.load(params)
        self.teacher.load_state_dict(self.net.state_dict())


def mapped_and_convolved(images: torch.Tensor) -> torch.Tensor:
    """Each image under a small random affine map, then mixed with a random convolution of it."""
    count, channels, height, width = images.shape
    device = images.device
    draws = 2 * torch.rand(6, count, device=device) - 1
    angle, slant = math.radians(15) * draws[0], 0.2 * draws[1]
    tall, wide = 1.2 ** -draws[2], 1.2 ** -draws[3]
    cos, sin = torch.cos(angle), torch.sin(angle)
    down, across = 4 / height * draws[4], 4 / width * draws[5]
    rows = (
        torch.stack([wide * cos, wide * (sin + cos * slant), across], dim=1),
        torch.stack([tall * -sin, tall * (cos - sin * slant), down], dim=1),
    )
    places = functional.affine_grid(torch.stack(rows, dim=1), list(images.shape), False)
    images = functional.grid_sample(images, places, padding_mode="border", align_corners=False)
    order, changed = torch.randperm(count, device=device), torch.empty_like(images)
    for part in order.chunk(4):
        size = (1, 3, 5)[int(torch.randint(3, ()))]
        kernel = torch.randn(channels, channels, size, size, device=device)
        kernel = kernel / (size * channels**0.5)
        convolved = functional.conv2d(images[part], kernel, padding=size // 2)
        kept = torch.rand(len(part), 1, 1, 1, device=device)
        changed[part] = kept * images[part] + (1 - kept) * convolved
    return changed
