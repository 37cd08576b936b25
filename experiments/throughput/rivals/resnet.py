"""ResNet in PyTorch, the rival in benchmarks. Its modules have the names of torchvision's."""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


def convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Conv2d:
    """Without bias; its maps are as large as what it reads, or half of it."""
    return nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)


class Block(nn.Module):
    """A residual block of two convolutions, or a bottleneck of three."""

    def __init__(self, inputs: int, width: int, stride: int, *, bottleneck: bool):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        sides, strides = ((1, 3, 1), (1, stride, 1)) if bottleneck else ((3, 3), (stride, 1))
        channels = [inputs, *[width] * (len(sides) - 1), outputs]
        self.convolutions = len(sides)
        for number, side in enumerate(sides, start=1):
            one, other = channels[number - 1 : number + 1]
            setattr(self, f"conv{number}", convolution(one, other, side, strides[number - 1]))
            setattr(self, f"bn{number}", nn.BatchNorm2d(other))
        self.downsample = None
        if stride > 1 or inputs != outputs:
            shortcut = convolution(inputs, outputs, 1, stride)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, height, width] to [n, outputs, height', width']."""
        maps = images
        for number in range(1, self.convolutions + 1):
            maps = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(maps))
            if number < self.convolutions:
                maps = nn.functional.relu(maps, inplace=True)
        before = images if self.downsample is None else self.downsample(images)
        return nn.functional.relu(maps + before, inplace=True)


class ResNet(nn.Module):
    """ResNet of some numbers of blocks; without classes, until the average over the pixels."""

    def __init__(
        self, blocks: tuple[int, ...], *, bottleneck: bool = False, classes: int | None = 1000
    ):
        super().__init__()
        self.conv1, self.bn1 = convolution(3, 64, 7, 2), nn.BatchNorm2d(64)
        self.layers, inputs = len(blocks), 64
        for number, count in enumerate(blocks, start=1):
            width, layer = 64 * 2 ** (number - 1), []
            for block in range(count):
                stride = 2 if number > 1 and block == 0 else 1
                layer.append(Block(inputs, width, stride, bottleneck=bottleneck))
                inputs = 4 * width if bottleneck else width
            setattr(self, f"layer{number}", nn.Sequential(*layer))
        self.fc = None if classes is None else nn.Linear(inputs, classes)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The features and the logits of [n, 3, height, width] images: pool and fc."""
        maps = nn.functional.relu(self.bn1(self.conv1(images)), inplace=True)
        maps = nn.functional.max_pool2d(maps, 3, 2, padding=1)
        for number in range(1, self.layers + 1):
            maps = getattr(self, f"layer{number}")(maps)
        pooled = maps.mean(dim=(2, 3))
        return {"pool": pooled} if self.fc is None else {"pool": pooled, "fc": self.fc(pooled)}
