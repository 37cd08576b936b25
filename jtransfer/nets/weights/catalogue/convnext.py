"""Published weights of ConvNeXt (Liu et al., CVPR 2022), trained on ImageNet.

torchvision trained its own; `convnext_tiny_fb` are the authors', as timm has them.
"""

from functools import partial
from typing import Literal

from jtransfer.nets.convnext import convnext
from jtransfer.nets.convnext_names import convnext_names
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.statistics import IMAGENET_MEAN, IMAGENET_STD
from jtransfer.nets.weights.origins.address import Address
from jtransfer.nets.weights.origins.hub import Hub
from jtransfer.nets.weights.preprocessing import Preprocessing

Size = Literal["tiny", "small", "base"]

# Parameters, and GFLOP at 224 pixels.
_SIZES: dict[Size, tuple[int, float]] = {
    "tiny": (28_589_128, 8.91),
    "small": (50_223_688, 17.37),
    "base": (88_591_464, 30.71),
}


def _torchvision(size: Size, digits: str, *, share: float, top1: float) -> PublishedWeights:
    """`digits` are the first of the file's SHA-256, which its publisher put into its name."""
    parameters, gflop = _SIZES[size]
    return PublishedWeights(
        build=partial(convnext, size),
        names=convnext_names(size, publisher="torchvision"),
        timm_names=convnext_names(size),
        preprocessing=Preprocessing(224, share, "bilinear", IMAGENET_MEAN, IMAGENET_STD),
        origins=(
            Address(f"https://download.pytorch.org/models/convnext_{size}-{digits}.pth", digits),
        ),
        publisher=f"torchvision, ConvNeXt_{size.capitalize()}_Weights.IMAGENET1K_V1",
        licence="BSD-3-Clause",
        parameters=parameters,
        gflop=gflop,
        top1=top1,
    )


CONVNEXTS = {
    # Shares that make the shorter side 236, 230 and 232 pixels, as torchvision says it.
    "convnext_tiny": _torchvision("tiny", "983f1562", share=0.949, top1=0.82520),
    "convnext_tiny_fb": PublishedWeights(
        build=partial(convnext, "tiny"),
        names=convnext_names("tiny"),
        preprocessing=Preprocessing(224, 0.875, "bicubic", IMAGENET_MEAN, IMAGENET_STD),
        origins=(
            Hub(
                "timm/convnext_tiny.fb_in1k",
                "b43a6303c9fcf176d2d707478a128c2c91e93528",
                "08b9dc9c3a3a29421de7996761e176501896d1ae7fc3085cf56a643772329276",
            ),
        ),
        publisher="timm/convnext_tiny.fb_in1k",
        licence="Apache-2.0",
        parameters=_SIZES["tiny"][0],
        gflop=_SIZES["tiny"][1],
        top1=0.82066,
    ),
    "convnext_small": _torchvision("small", "0c510722", share=0.973, top1=0.83616),
    "convnext_base": _torchvision("base", "6075fbad", share=0.965, top1=0.84062),
}
