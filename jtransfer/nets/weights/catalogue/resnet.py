"""Published weights of ResNet.

torchvision's first ones (IMAGENET1K_V1) are the ordinary training of 2015, whose features transfer
best as they are (Kornblith et al., CVPR 2019, section 4.3: label smoothing and its like hurt them);
its second ones and timm's `a1_in1k` (Wightman et al. 2021) are better classifiers.
"""

from functools import partial
from typing import Literal

from jtransfer.nets.resnet import resnet, resnet_names
from jtransfer.nets.weights.catalogue.entry import Origin, PublishedWeights
from jtransfer.nets.weights.catalogue.statistics import IMAGENET_MEAN, IMAGENET_STD
from jtransfer.nets.weights.origins.address import Address
from jtransfer.nets.weights.origins.hub import Hub
from jtransfer.nets.weights.preprocessing import Preprocessing

# Parameters, and GFLOP at 224 pixels.
_SIZES = {
    18: (11_689_512, 3.63),
    34: (21_797_672, 7.33),
    50: (25_557_032, 8.18),
    101: (44_549_160, 15.60),
}


def _resnet(
    depth: int,
    origin: Origin,
    publisher: str,
    licence: str,
    *,
    share: float,
    interpolation: Literal["bilinear", "bicubic"],
    top1: float,
) -> PublishedWeights:
    parameters, gflop = _SIZES[depth]
    return PublishedWeights(
        build=partial(resnet, depth),
        names=resnet_names(depth),
        preprocessing=Preprocessing(224, share, interpolation, IMAGENET_MEAN, IMAGENET_STD),
        origins=(origin,),
        publisher=publisher,
        licence=licence,
        parameters=parameters,
        gflop=gflop,
        top1=top1,
    )


def _torchvision(depth: int, version: Literal[1, 2], digits: str, top1: float) -> PublishedWeights:
    """`digits` are the first of the file's SHA-256, which its publisher put into its name."""
    return _resnet(
        depth,
        Address(f"https://download.pytorch.org/models/resnet{depth}-{digits}.pth", digits),
        f"torchvision, ResNet{depth}_Weights.IMAGENET1K_V{version}",
        "BSD-3-Clause",
        share=0.875 if version == 1 else 0.965,
        interpolation="bilinear",
        top1=top1,
    )


def _timm(
    depth: int, top1: float, revision: str | None = None, sha256: str = ""
) -> PublishedWeights:
    repository = f"timm/resnet{depth}.a1_in1k"
    return _resnet(
        depth,
        Hub(repository, revision, sha256),
        repository,
        "Apache-2.0",
        share=0.95,
        interpolation="bicubic",
        top1=top1,
    )


RESNETS = {
    "resnet18": _torchvision(18, 1, "f37072fd", 0.69758),
    "resnet18_a1": _timm(
        18,
        0.71504,
        "491b427b45c94c7fb0e78b5474cc919aff584bbf",
        "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612",
    ),
    "resnet34": _torchvision(34, 1, "b627a593", 0.73314),
    "resnet34_a1": _timm(34, 0.76420),
    "resnet50": _torchvision(50, 1, "0676ba61", 0.76130),
    "resnet50_v2": _torchvision(50, 2, "11ad3fa6", 0.80858),
    "resnet50_a1": _timm(50, 0.80382, "767268603ca0cb0bfe326fa87277f19c419566ef"),
    "resnet101": _torchvision(101, 1, "63fe2227", 0.77374),
    "resnet101_v2": _torchvision(101, 2, "cd907fc2", 0.81886),
    "resnet101_a1": _timm(101, 0.81494),
}
