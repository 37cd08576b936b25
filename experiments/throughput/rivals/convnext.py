"""ConvNeXt-T in PyTorch: the rival in benchmarks. Its modules have the names that timm's have.

Layers that read pixels one by one are linear layers on maps whose channels are last, as in timm.
"""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

_BLOCKS, _WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)


class PixelNorm(nn.LayerNorm):
    """Layer norm over the channels of [n, channels, height, width] maps."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-6)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The same shape."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Mlp(nn.Module):
    """Two linear layers on every pixel."""

    def __init__(self, channels: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """[..., channels] to the same."""
        return self.fc2(nn.functional.gelu(self.fc1(maps)))


class Block(nn.Module):
    """A depthwise convolution and two linear layers, added to what they read."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm, self.mlp = nn.LayerNorm(channels, eps=1e-6), Mlp(channels)
        self.gamma = nn.Parameter(1e-6 * torch.ones(channels))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[n, channels, height, width] to the same."""
        maps = self.norm(self.conv_dw(images).permute(0, 2, 3, 1))
        return images + (self.mlp(maps) * self.gamma).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Blocks in a row, and what halves the maps before them."""

    def __init__(self, inputs: int, channels: int, blocks: int):
        super().__init__()
        self.downsample = nn.Identity()
        if inputs != channels:
            self.downsample = nn.Sequential(PixelNorm(inputs), nn.Conv2d(inputs, channels, 2, 2))
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(blocks)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[n, inputs, height, width] to [n, channels, height', width']."""
        return self.blocks(self.downsample(images))


class Head(nn.Module):
    """The average over the pixels, a norm, and a linear layer."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.norm, self.fc = PixelNorm(channels), nn.Linear(channels, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[n, channels, height, width] to [n, classes]."""
        return self.fc(self.norm(images.mean(dim=(2, 3), keepdim=True)).flatten(1))


class ConvNeXtTiny(nn.Module):
    """ConvNeXt-T."""

    def __init__(self, classes: int = 1000):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, _WIDTHS[0], 4, 4), PixelNorm(_WIDTHS[0]))
        before = (_WIDTHS[0], *_WIDTHS[:-1])
        stages = zip(before, _WIDTHS, _BLOCKS, strict=True)
        self.stages = nn.Sequential(*(Stage(*stage) for stage in stages))
        self.head = Head(_WIDTHS[-1], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of [n, 3, height, width] images."""
        return self.head(self.stages(self.stem(images)))
