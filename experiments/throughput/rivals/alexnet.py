"""AlexNet-2014 in PyTorch: the rival in benchmarks, the oracle in tests."""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


class AlexNet2014(nn.Module):
    """torchvision's AlexNet, for 224 x 224 pixels; whole, or until its fifth convolution."""

    def __init__(self, until: str = "fc8"):
        super().__init__()
        relu, pool = nn.ReLU, lambda: nn.MaxPool2d(3, 2)
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 11, stride=4, padding=2), relu(), pool()),
            *(nn.Conv2d(64, 192, 5, padding=2), relu(), pool()),
            *(nn.Conv2d(192, 384, 3, padding=1), relu()),
            *(nn.Conv2d(384, 256, 3, padding=1), relu()),
            *(nn.Conv2d(256, 256, 3, padding=1), relu(), pool()),
        )
        self.classifier = nn.Sequential()
        if until == "conv5":
            return
        self.classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), relu()),
            *(nn.Dropout(), nn.Linear(4096, 4096), relu()),
            nn.Linear(4096, 1000),
        )

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The outputs of the stages, by name, of [n, 3, 224, 224] images."""
        maps, outputs = images, []
        for layer in self.features:
            outputs.append(maps := layer(maps))
        maps = maps.flatten(1)
        for layer in self.classifier:
            outputs.append(maps := layer(maps))
        ends = {"conv1": 2, "conv2": 5, "conv3": 7, "conv4": 9, "conv5": 12}
        ends |= {"fc6": 15, "fc7": 18, "fc8": 19}
        return {stage: outputs[end] for stage, end in ends.items() if end < len(outputs)}
