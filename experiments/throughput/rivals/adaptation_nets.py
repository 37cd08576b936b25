"""The nets of domain adaptation in PyTorch: rivals in benchmarks, oracles in tests."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

Layer = tuple[int, int, bool, tuple[int, int] | None]
"""A convolution's outputs, kernel, whether it keeps the size, and (window, stride) of its pool."""


@dataclass(frozen=True)
class Shape:
    """A net's convolutions, its code (0 for none) and the layers of its heads."""

    convs: tuple[Layer, ...]
    label: tuple[int, ...]
    domain: tuple[int, ...]
    code: int = 0


def ganin_shape(name: str, *, width: float = 1.0) -> Shape:
    """Layer by layer those of `jtransfer.nets.ganin`."""
    if name == "mnist":
        convs = ((32, 5, False, (2, 2)), (48, 5, False, (2, 2)))
        return Shape(convs, (100, 100), (100, 1))
    if name == "svhn":
        convs = ((64, 5, True, (3, 2)), (64, 5, True, (3, 2)), (128, 5, True, None))
        return Shape(convs, (3072, 2048), (1024, 1024, 1))
    one, two, three = (round(width * count) for count in (96, 144, 256))
    convs = ((one, 5, True, (2, 2)), (two, 3, True, (2, 2)), (three, 5, True, (2, 2)))
    return Shape(convs, (512,), (1024, 1024, 1))


LENET = Shape(((20, 5, False, (2, 2)), (50, 5, False, (2, 2))), (), (500, 500, 2), code=500)


class DomainNorm(nn.Module):
    """Batch norm with statistics per domain and one scale and shift."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.means: torch.Tensor = nn.Buffer(torch.zeros(2, channels))
        self.variances: torch.Tensor = nn.Buffer(torch.ones(2, channels))

    def forward(
        self, maps: torch.Tensor, domains: tuple[int, ...], *, record: bool = True
    ) -> torch.Tensor:
        """Normalise equal consecutive parts of a batch by their own statistics."""
        parts = []
        for domain, part in zip(domains, maps.chunk(len(domains)), strict=True):
            kept = (self.means[domain], self.variances[domain]) if record else (None, None)
            parts.append(functional.batch_norm(part, *kept, self.weight, self.bias, training=True))
        return torch.cat(parts)


class AdaptationNet(nn.Module):
    """A trunk with a label head and a domain head."""

    def __init__(self, shape: Shape, *, side: int, channels: int, classes: int, norm: bool = False):
        super().__init__()
        self.trunk = nn.Sequential()
        for outputs, kernel, same, pool in shape.convs:
            around = kernel // 2 if same else 0
            self.trunk.append(nn.Conv2d(channels, outputs, kernel, padding=around, bias=not norm))
            if norm:
                self.trunk.append(DomainNorm(outputs))
            self.trunk.append(nn.ReLU())
            side, channels = side + 2 * around - kernel + 1, outputs
            if pool:
                self.trunk.append(nn.MaxPool2d(*pool))
                side = (side - pool[0]) // pool[1] + 1
        self.maps, size = (channels, side, side), channels * side * side
        self.trunk.append(nn.Flatten())
        if shape.code:
            self.trunk.extend([nn.Linear(size, shape.code), nn.ReLU()])
            size = shape.code
        self.label_head = dense(size, *shape.label, classes)
        self.domain_head = dense(size, *shape.domain)

    def features(
        self, images: torch.Tensor, *, domains: tuple[int, ...] = (0, 1), record: bool = True
    ) -> torch.Tensor:
        """Features of [n, channels, side, side] images."""
        for layer in self.trunk:
            norm = isinstance(layer, DomainNorm)
            images = layer(images, domains, record=record) if norm else layer(images)
        return images

    def discriminate(self, features: torch.Tensor) -> torch.Tensor:
        """One logit of the target, or the difference of two."""
        logits = self.domain_head(features)
        return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]

    def load(self, params: Any) -> None:
        """Take the parameters of the Flax net, whose maps are flattened channels last."""
        number, maps = 0, self.maps
        for layer in self.trunk:
            if isinstance(layer, nn.Conv2d):
                number += 1
                put(layer, params["trunk"][f"conv{number}"]["conv"])
            elif isinstance(layer, DomainNorm):
                norm = params["trunk"][f"conv{number}"]["norm"]
                put_array(layer.weight, norm["scale"])
                put_array(layer.bias, norm["bias"])
            elif isinstance(layer, nn.Linear):
                put(layer, params["trunk"]["fc3"], maps=maps)
                maps = None
        for name in ("label_head", "domain_head"):
            put_dense(getattr(self, name), params[name], maps=maps)


def dense(*widths: int) -> nn.Sequential:
    """Fully connected layers from width to width, ReLUs between them."""
    layers = []
    for one, other in pairwise(widths):
        layers += [nn.Linear(one, other), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def put_array(parameter: torch.Tensor, values: Any) -> None:
    """Overwrite a parameter with an array of its shape."""
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.array(values)))


def put(layer: Any, values: Any, *, maps: tuple[int, int, int] | None = None) -> None:
    """Kernel and bias of a convolution or a linear layer, which may read maps that are flattened.

    Args:
      layer: of PyTorch.
      values: {"kernel": ..., "bias": ...} of Flax.
      maps: (channels, height, width).
    """
    kernel = np.asarray(values["kernel"])
    if kernel.ndim == 4:
        kernel = kernel.transpose(3, 2, 0, 1)
    else:
        if maps is not None:
            channels, height, width = maps
            kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
        kernel = kernel.reshape(layer.in_features, -1).T
    put_array(layer.weight, kernel)
    if layer.bias is not None:
        put_array(layer.bias, values["bias"])


def put_dense(head: nn.Sequential, params: Any, *, maps: Any = None) -> None:
    """The layers fc1, fc2, ..., out of a head."""
    linears = [each for each in head if isinstance(each, nn.Linear)]
    names = [f"fc{number}" for number in range(1, len(linears))] + ["out"]
    for name, linear in zip(names, linears, strict=True):
        put(linear, params[name], maps=maps)
        maps = None
