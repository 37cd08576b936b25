"""What games of two players need in PyTorch: their loss, and who is held meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

Batch = dict[str, torch.Tensor]
"""Images "source" and "target", [n, channels, side, side], and "label", of the source."""


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


def domain_loss(logits: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of logits whose first half is the source's."""
    domains = torch.zeros_like(logits)
    domains[len(logits) // 2 :] = 1
    return functional.binary_cross_entropy_with_logits(logits, domains)


@contextmanager
def held(module: nn.Module) -> Iterator[None]:
    """What is computed meanwhile gives the module no gradient."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    yield
    for parameter in module.parameters():
        parameter.requires_grad_(True)
