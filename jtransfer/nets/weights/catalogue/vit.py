"""Published weights of vision transformers: ViT, DeiT, DINO, DINOv2 with and without registers.

All are timm's files of them. Those of ViT are the ones of Steiner et al. 2021 ("How to train your
ViT?"), trained on ImageNet-21k and then on ImageNet. DINO and DINOv2 learned without labels, and
were published without a head.
"""

from functools import partial
from typing import Any, Literal

from jtransfer.nets.vit import vit
from jtransfer.nets.vit_names import vit_names
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.statistics import HALF, IMAGENET_MEAN, IMAGENET_STD
from jtransfer.nets.weights.origins.hub import Hub
from jtransfer.nets.weights.preprocessing import Preprocessing

Shape = Literal["tiny", "small", "base"]

# Parameters of the nets with patches of 16 pixels and a head, and GFLOP at 224 pixels.
_SIZES: dict[Shape, tuple[int, float]] = {
    "tiny": (5_717_416, 2.51),
    "small": (22_050_664, 9.20),
    "base": (86_567_656, 35.13),
}


def _timm(
    shape: Shape,
    hub: Hub,
    preprocessing: Preprocessing,
    *,
    parameters: int | None = None,
    gflop: float | None = None,
    top1: float | None = None,
    **options: Any,
) -> PublishedWeights:
    usual_parameters, usual_gflop = _SIZES[shape]
    return PublishedWeights(
        build=partial(vit, shape, **options),
        names=vit_names("timm"),
        preprocessing=preprocessing,
        origins=(hub,),
        publisher=hub.repository,
        licence="Apache-2.0",
        parameters=parameters or usual_parameters,
        gflop=gflop or usual_gflop,
        top1=top1,
        classes=0 if top1 is None else 1000,
    )


_VIT = Preprocessing(224, 0.9, "bicubic", HALF, HALF)
_DEIT = Preprocessing(224, 0.9, "bicubic", IMAGENET_MEAN, IMAGENET_STD)
_DINOV2 = Preprocessing(518, 1.0, "bicubic", IMAGENET_MEAN, IMAGENET_STD)
_dinov2 = partial(_timm, preprocessing=_DINOV2, patch=14, size=518, layer_scale=1e-5)


VITS = {
    "vit_tiny_patch16": _timm(
        "tiny",
        Hub(
            "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k",
            "7d3afdd0cf93ad84d986eb2d6bcc5812ebd0b106",
            "fecf81b492bd13ee7a5297cb74d1d417aac8bf7e1b7d96aed89c4691984587ed",
        ),
        _VIT,
        top1=0.75452,
    ),
    "vit_small_patch16": _timm(
        "small",
        Hub(
            "timm/vit_small_patch16_224.augreg_in21k_ft_in1k",
            "7e2c55630205e1266030f18370f4c6ed1a514b52",
            "79c03c635cdfd798a364a9d8c4e5c0b7255b975ea2c9616046d4f77ab01435aa",
        ),
        _VIT,
        top1=0.81402,
    ),
    "vit_base_patch16": _timm(
        "base",
        Hub(
            "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k",
            "063c6c38a5d8510b2e57df480445e94b231dad2c",
            "32aa17d6e17b43500f531d5f6dc9bc93e56ed8841b8a75682e1bb295d722405b",
        ),
        _VIT,
        top1=0.85108,
    ),
    "deit_tiny_patch16": _timm(
        "tiny",
        Hub(
            "timm/deit_tiny_patch16_224.fb_in1k",
            "80e968688553f219e4a86f940ed945a23709c16f",
            "21d4764d94f6c3ffdb6da3581115a0a1ee2d505537d96883b540e54766407c9e",
        ),
        _DEIT,
        top1=0.72190,
    ),
    "deit_small_patch16": _timm(
        "small",
        Hub(
            "timm/deit_small_patch16_224.fb_in1k",
            "91327a9c99f98fe6b524cd4d397b7226b80e1365",
            "1e747b4a8d0df2cfbd3c450e8c97685d867448ab0c2ddbfb34b6885f5cb23e5b",
        ),
        _DEIT,
        top1=0.79856,
    ),
    "deit_base_patch16": _timm(
        "base",
        Hub(
            "timm/deit_base_patch16_224.fb_in1k",
            "b78cc5532a69df6bcad9c3a8d76653fd20b31ac6",
            "cd2da27b74ed7f68b599f16c77af3e1e80f01c75f9ad96029d22ce747a247e8e",
        ),
        _DEIT,
        top1=0.81980,
    ),
    "dino_vits16": _timm(
        "small", Hub("timm/vit_small_patch16_224.dino"), _DEIT, parameters=21_665_664
    ),
    "dinov2_small": _dinov2(
        "small",
        Hub(
            "timm/vit_small_patch14_dinov2.lvd142m",
            "4610ca143709d58a633b6397a74412c2c3842454",
            "04d27f3400d059fc0cfd7d17dd1909a75bf3ea8fb3eeb48b97cb99e57ee20081",
        ),
        parameters=22_056_192,
        gflop=93.39,
    ),
    "dinov2_base": _dinov2(
        "base",
        Hub(
            "timm/vit_base_patch14_dinov2.lvd142m",
            "4685c99dabffe5affac90bd99dbffd25801ae58d",
            "55cbb5d887b336d430e649c277b85a1429e724871f9d02ac16203235886d8c7b",
        ),
        parameters=86_579_712,
        gflop=303.15,
    ),
    "dinov2_small_registers": _dinov2(
        "small",
        Hub("timm/vit_small_patch14_reg4_dinov2.lvd142m"),
        parameters=22_057_344,
        gflop=93.77,
        registers=4,
        class_position=False,
    ),
    "dinov2_base_registers": _dinov2(
        "base",
        Hub(
            "timm/vit_base_patch14_reg4_dinov2.lvd142m",
            "3b06466a5548c52b8b98822e1390987695fcbf82",
            "c24ecfb4a1d8ca79193f6b9efcffc461872a09ddac43a0931357e4802931a006",
        ),
        parameters=86_582_016,
        gflop=304.23,
        registers=4,
        class_position=False,
    ),
}
