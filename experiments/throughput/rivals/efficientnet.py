"""EfficientNet-Lite0 in PyTorch: the rival in benchmarks, the oracle in tests.

Its modules have the names that their publisher gave them; it gives the outputs of the stages that
the net of jtransfer has, by name.
"""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


class SameConv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's SAME: the odd pixel comes last."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, stride: int = 1, groups: int = 1
    ):
        super().__init__(inputs, outputs, kernel_size, stride, groups=groups, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve [n, channels, height, width] images."""
        around = []
        for size in (input.shape[3], input.shape[2]):
            (side, _), (stride, _) = self.kernel_size, self.stride
            missing = max((-(-size // stride) - 1) * stride + side - size, 0)
            around += [missing // 2, missing - missing // 2]
        return super().forward(nn.functional.pad(input, around))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm as published."""
    return nn.BatchNorm2d(channels, eps=1e-3)


class MBConv(nn.Module):
    """An inverted bottleneck of EfficientNet-Lite."""

    def __init__(self, expansion: int, kernel_size: int, stride: int, inputs: int, outputs: int):
        super().__init__()
        wide = expansion * inputs
        self.skips = stride == 1 and inputs == outputs
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv, self._bn0 = SameConv(inputs, wide, 1), batch_norm(wide)
        self._depthwise_conv = SameConv(wide, wide, kernel_size, stride, groups=wide)
        self._bn1 = batch_norm(wide)
        self._project_conv, self._bn2 = SameConv(wide, outputs, 1), batch_norm(outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map [n, inputs, height, width] to [n, outputs, height', width']."""
        relu6, maps = nn.functional.relu6, images
        if self.expands:
            maps = relu6(self._bn0(self._expand_conv(maps)))
        maps = relu6(self._bn1(self._depthwise_conv(maps)))
        maps = self._bn2(self._project_conv(maps))
        return maps + images if self.skips else maps


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0, its layers counted through from 0 to 15; without classes, until top."""

    # layers, expansion, kernel size, stride of the first layer, channels
    blocks = (
        (1, 1, 3, 1, 16),
        (2, 6, 3, 2, 24),
        (2, 6, 5, 2, 40),
        (3, 6, 3, 2, 80),
        (3, 6, 5, 1, 112),
        (4, 6, 5, 2, 192),
        (1, 6, 3, 1, 320),
    )

    def __init__(self, classes: int | None = 1000):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, 32, 3, 2), batch_norm(32)
        self._blocks, inputs = nn.ModuleList(), 32
        for layers, expansion, kernel_size, stride, outputs in self.blocks:
            for layer in range(layers):
                self._blocks.append(
                    MBConv(expansion, kernel_size, 1 if layer else stride, inputs, outputs)
                )
                inputs = outputs
        self._conv_head, self._bn1 = SameConv(inputs, 1280, 1), batch_norm(1280)
        self._fc = None if classes is None else nn.Linear(1280, classes)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The outputs of the stages, by name, of [n, 3, height, width] images."""
        relu6, rest = nn.functional.relu6, iter(self._blocks)
        outputs = {"stem": (maps := relu6(self._bn0(self._conv_stem(images))))}
        for number, (layers, *_) in enumerate(self.blocks, start=1):
            for _ in range(layers):
                maps = next(rest)(maps)
            outputs[f"block{number}"] = maps
        outputs["top"] = relu6(self._bn1(self._conv_head(maps))).mean(dim=(2, 3))
        return outputs if self._fc is None else {**outputs, "fc": self._fc(outputs["top"])}


def randomised(net: nn.Module) -> nn.Module:
    """The net for testing, with random numbers in everything that it has, about 1 in size."""
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.5, 0.5)
        elif isinstance(module, nn.BatchNorm2d):
            for numbers, low in (
                (module.weight, 0.5),
                (module.bias, -0.5),
                (module.running_mean, -0.5),
                (module.running_var, 0.5),
            ):
                assert numbers is not None
                nn.init.uniform_(numbers, low, low + 1)
    return net.eval()
