"""Vision transformers: ViT, DeiT, DINO and DINOv2, with and without registers.

Parameters, as a tree of names:

    params/patches/kernel               [patch, patch, 3, width]
    params/patches/bias                 [width]
    params/patches/class_token          [width]
    params/patches/positions            [1 + patches, width]; [patches, width] if the class token
                                        has none; the patches row by row
    params/patches/registers            [registers, width]; if there are any
    params/block1 ... blockN/attention_norm/{scale,bias}
                            /attention/{query,key,value,out}/{kernel,bias}    [width, width]
                            /attention_scale                      [width]; with layer scale
                            /mlp_norm/{scale,bias}
                            /fc1/{kernel,bias}                    [width, 4 width]
                            /fc2/{kernel,bias}                    [4 width, width]
                            /mlp_scale                            [width]; with layer scale
    params/norm/norm/{scale,bias}
    params/fc/{kernel,bias}             [width, classes]; of both features [2 width, classes]
"""

from functools import partial
from typing import Literal

from jtransfer.nets.parts.positions import RESAMPLING, Publisher
from jtransfer.nets.parts.tokens import Features, FeatureStage, LinearStage, PatchStage
from jtransfer.nets.parts.transformer import Block, TransformerShape
from jtransfer.nets.parts.trunk import Trunk

# Touvron et al. 2021, "Training data-efficient image transformers", table 1.
VIT: dict[str, TransformerShape] = {
    "tiny": TransformerShape(width=192, depth=12, heads=3),
    "small": TransformerShape(width=384, depth=12, heads=6),
    "base": TransformerShape(width=768, depth=12, heads=12),
}
_EPSILON = 1e-6


def vit(
    shape: Literal["tiny", "small", "base"] | TransformerShape,
    *,
    patch: int = 16,
    size: int = 224,
    classes: int = 1000,
    features: Features = "class",
    registers: int = 0,
    class_position: bool = True,
    layer_scale: float | None = None,
    resampling: Publisher = "timm",
) -> Trunk:
    """A vision transformer (Dosovitskiy et al. 2021).

    ViT, DeiT (without the token of distillation) and DINO are one net with patches of 16 or 8
    pixels. DINOv2 (Oquab et al. 2024) is `vit("small", patch=14, size=518, layer_scale=1e-5)`, or
    `"base"`, and with registers (Darcet et al. 2024) `registers=4` as well, where timm's weights
    want `class_position=False`. Stochastic depth is left out; layer norms add 1e-6 to the variance,
    where transformers' ViT adds 1e-12.

    Args:
      shape: one of `VIT` by name, or another.
      patch: side of the square patches in pixels.
      size: side of the images that the positions are for, in pixels. Images may be of any size
        that the patches divide: the positions are interpolated to it.
      classes: number of outputs of fc.
      features: what fc reads: the class token, the mean of the patches, or both in this order, all
        behind the last layer norm.
      registers: number of register tokens.
      class_position: whether the class token has a position.
      layer_scale: what the gains of every branch begin with; None for none.
      resampling: whose way of interpolating positions: timm's, transformers' ("huggingface") or
        DINO's and DINOv2's own. The weights of DINOv2 with registers want "timm" everywhere.

    Returns:
      A trunk of the stages patches (tokens, [batch, 1 + registers + patches, width]), block1 ...
      blockN (the same), norm (features) and fc (logits), for [batch, height, width, 3] images.

    Raises:
      ValueError: if there is no such shape or way, or the patches do not divide `size`.
    """
    for what, given, known in (
        ("shape", shape, (*VIT, "a TransformerShape")),
        ("features", features, ("class", "mean", "both")),
        ("resampling", resampling, tuple(RESAMPLING)),
    ):
        if given not in known and not isinstance(given, TransformerShape):
            raise ValueError(f"{what}={given!r}; expected one of {', '.join(known)}")
    if patch < 1 or size < patch or size % patch:
        raise ValueError(
            f"positions for images of {size} pixels do not go with patches of {patch}; expected a "
            f"size that is a multiple of the patch, such as {max(size // max(patch, 1), 1) * patch}"
        )
    width, depth, heads = _numbers(shape)
    patches = partial(
        PatchStage,
        width,
        patch,
        size // patch,
        RESAMPLING[resampling],
        registers=registers,
        class_position=class_position,
    )
    block = partial(Block, heads, _EPSILON, layer_scale=layer_scale)
    return Trunk(
        (
            ("patches", patches),
            *((f"block{number}", block) for number in range(1, depth + 1)),
            ("norm", partial(FeatureStage, features, 1 + registers, _EPSILON)),
            ("fc", partial(LinearStage, classes)),
        )
    )


def _numbers(shape: str | TransformerShape) -> tuple[int, int, int]:
    found = VIT[shape] if isinstance(shape, str) else shape
    return found.width, found.depth, found.heads
