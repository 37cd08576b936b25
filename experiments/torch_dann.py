"""The DANN step of the MNIST net in PyTorch: the rival in benchmarks, the oracle in tests."""

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]


class ReverseGradient(torch.autograd.Function):
    """The identity, whose gradient is multiplied by minus a scale."""

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, scale: float) -> torch.Tensor:
        """Return the features."""
        ctx.scale = scale
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Reverse the gradient."""
        return -ctx.scale * gradients[0], None


class MnistNet(nn.Module):
    """Figure 4a for 32x32x3, layer by layer `jtransfer.nets.ganin.mnist_net`."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 32, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.label_head = nn.Sequential(
            nn.Linear(1200, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10)
        )
        self.domain_head = nn.Sequential(nn.Linear(1200, 100), nn.ReLU(), nn.Linear(100, 1))

    def load(self, params: Any) -> None:
        """Take the parameters of the Flax net: OIHW kernels, and maps flattened channels first."""
        convs = (self.trunk[0], self.trunk[3])
        for stage, conv in zip(("conv1", "conv2"), convs, strict=True):
            _copy(conv.weight, params["trunk"][stage]["conv"]["kernel"], (3, 2, 0, 1))
            _copy(conv.bias, params["trunk"][stage]["conv"]["bias"])
        for head, layers in (
            ("label_head", ("fc1", "fc2", "out")),
            ("domain_head", ("fc1", "out")),
        ):
            linears = [each for each in getattr(self, head) if isinstance(each, nn.Linear)]
            for name, linear in zip(layers, linears, strict=True):
                kernel = np.asarray(params[head][name]["kernel"])
                if name == "fc1":
                    kernel = kernel.reshape(5, 5, 48, -1).transpose(2, 0, 1, 3).reshape(1200, -1)
                _copy(linear.weight, kernel, (1, 0))
                _copy(linear.bias, params[head][name]["bias"])

    def losses(
        self, source: torch.Tensor, labels: torch.Tensor, target: torch.Tensor, scale: float
    ) -> torch.Tensor:
        """Label loss plus domain loss behind gradient reversal, of [n, 3, 32, 32] images."""
        features = self.trunk(torch.cat([source, target]))
        logits = self.label_head(features[: len(source)])
        domain_logits = self.domain_head(ReverseGradient.apply(features, scale))[:, 0]
        domains = torch.cat([torch.zeros(len(source)), torch.ones(len(target))])
        return functional.cross_entropy(
            logits, labels
        ) + functional.binary_cross_entropy_with_logits(domain_logits, domains)


def _copy(parameter: Any, values: Any, axes: tuple[int, ...] | None = None) -> None:
    array = np.array(values if axes is None else np.transpose(np.asarray(values), axes))
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(array))
