"""What the publishers of vision transformers call the parts of `vit`."""

from typing import Literal

from jtransfer.nets.weights.block_names import block_modules, fused_attentions, layer_scales
from jtransfer.nets.weights.layouts import leading_layout
from jtransfer.nets.weights.torch_layout import Place, TorchNames

Publisher = Literal["timm", "huggingface", "huggingface_dinov2"]

# What timm calls the parts of a block, but for those that `fused_attentions` places.
TIMM_BLOCK = {
    "attention_norm": "norm1",
    "attention/out": "attn.proj",
    "mlp_norm": "norm2",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}
_HUGGINGFACE = {
    "attention_norm": "layernorm_before",
    "attention/query": "attention.attention.query",
    "attention/key": "attention.attention.key",
    "attention/value": "attention.attention.value",
    "attention/out": "attention.output.dense",
    "mlp_norm": "layernorm_after",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
}
_HUGGINGFACE_DINOV2 = {
    **_HUGGINGFACE,
    "attention_norm": "norm1",
    "mlp_norm": "norm2",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}


def vit_names(publisher: Publisher, *, depth: int = 12, prefix: str = "") -> TorchNames:
    """What a file of a vision transformer calls the parts of `vit`.

    Args:
      publisher: "timm" (`vit_small_patch16_224`, `deit_tiny_patch16_224`,
        `vit_small_patch14_dinov2`, `vit_small_patch14_reg4_dinov2`), which has the names of DINO's
        and DINOv2's own files but for registers; "huggingface" for the ViT of transformers
        (`facebook/dino-vits16`, `google/vit-base-patch16-224`); "huggingface_dinov2" for its DINOv2
        (`facebook/dinov2-small`, `facebook/dinov2-with-registers-small`). Names of transformers are
        those of the files on the hub, which its version 5 has others for in memory.
      depth: number of blocks.
      prefix: before the names of transformers, but for the head's: "vit." or "dinov2." in the file
        of a classifier.

    Raises:
      ValueError: if there is no such publisher.
    """
    if publisher == "timm":
        return _timm(depth)
    if publisher == "huggingface":
        return _huggingface(_HUGGINGFACE, depth, prefix)
    if publisher == "huggingface_dinov2":
        return _huggingface(_HUGGINGFACE_DINOV2, depth, prefix)
    known = "timm, huggingface, huggingface_dinov2"
    raise ValueError(f"publisher={publisher!r}; expected one of {known}")


def _timm(depth: int) -> TorchNames:
    return TorchNames(
        {
            "patch_embed.proj": ("patches",),
            **block_modules("blocks", TIMM_BLOCK, depth),
            "norm": ("norm", "norm"),
            "head": ("fc",),
        },
        entries={
            "cls_token": _of_patches("class_token", 2),
            "pos_embed": _of_patches("positions", 1),
            "reg_token": _of_patches("registers", 1),
            **fused_attentions("blocks.{number}.attn.qkv.{kind}", depth),
            **layer_scales("blocks.{number}.ls{branch}.gamma", depth),
        },
        unused=("mask_token",),
    )


def _huggingface(names: dict[str, str], depth: int, prefix: str) -> TorchNames:
    embeddings, blocks = f"{prefix}embeddings", f"{prefix}encoder.layer"
    return TorchNames(
        {
            f"{embeddings}.patch_embeddings.projection": ("patches",),
            **block_modules(blocks, names, depth),
            f"{prefix}layernorm": ("norm", "norm"),
            "classifier": ("fc",),
        },
        entries={
            f"{embeddings}.cls_token": _of_patches("class_token", 2),
            f"{embeddings}.position_embeddings": _of_patches("positions", 1),
            f"{embeddings}.register_tokens": _of_patches("registers", 1),
            **layer_scales(blocks + ".{number}.layer_scale{branch}.lambda1", depth),
        },
        unused=(f"{embeddings}.mask_token", f"{prefix}pooler."),
    )


def _of_patches(leaf: str, axes: int) -> Place:
    return Place((("params", "patches", leaf),), leading_layout(axes))
