"""What the publishers of CLIP call the parts of `clip`."""

from typing import Literal, get_args

from jtransfer.nets.vit_names import TIMM_BLOCK
from jtransfer.nets.weights.block_names import block_modules, fused_attentions
from jtransfer.nets.weights.layouts import AS_IT_IS, leading_layout
from jtransfer.nets.weights.torch_layout import Path, Place, TorchNames

Publisher = Literal["huggingface", "open_clip"]
ImagePublisher = Literal["huggingface", "open_clip", "timm"]

_OPEN_CLIP = {
    "attention_norm": "ln_1",
    "attention/out": "attn.out_proj",
    "mlp_norm": "ln_2",
    "fc1": "mlp.c_fc",
    "fc2": "mlp.c_proj",
}
_HUGGINGFACE = {
    "attention_norm": "layer_norm1",
    "attention/query": "self_attn.q_proj",
    "attention/key": "self_attn.k_proj",
    "attention/value": "self_attn.v_proj",
    "attention/out": "self_attn.out_proj",
    "mlp_norm": "layer_norm2",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}
_FUSED = ".{number}.attn.in_proj_{kind}"
_SCALE = {"logit_scale": Place((("params", "logit_scale"),), AS_IT_IS)}
# Numbers of positions, which older versions of transformers saved, and OpenAI's own files' sizes.
_UNUSED = (
    "vision_model.embeddings.position_ids",
    "text_model.embeddings.position_ids",
    "input_resolution",
    "context_length",
    "vocab_size",
)
# All that is not of the image tower.
_TEXT = (
    *("text_model.", "text_projection", "logit_scale", "logit_bias"),
    *("token_embedding.", "positional_embedding", "transformer.", "ln_final."),
)


def clip_names(publisher: Publisher, *, depth: int = 12) -> TorchNames:
    """What a file of CLIP calls the parts of `clip`, both towers.

    Args:
      publisher: "huggingface" (`openai/clip-vit-base-patch32`, `laion/CLIP-ViT-B-32-...`), or
        "open_clip", whose names are those of OpenAI's own files too.
      depth: number of blocks of each tower.

    Raises:
      ValueError: if there is no such publisher; timm has the image tower alone.
    """
    known = get_args(Publisher)
    if publisher not in known:
        raise ValueError(f"publisher={publisher!r}; expected one of {', '.join(known)}")
    image = clip_image_names(publisher, depth=depth, under=("image",))
    text = _text_of(publisher, depth)
    return TorchNames(
        {**image.modules, **text.modules},
        entries={**image.entries, **text.entries, **_SCALE},
        unused=_UNUSED,
        head=False,
    )


def clip_image_names(publisher: ImagePublisher, *, depth: int = 12, under: Path = ()) -> TorchNames:
    """What a file of CLIP calls the parts of the image tower, `clip(...).image`.

    What the file holds of the text tower is left out.

    Args:
      publisher: as of `clip_names`, or "timm" (`vit_base_patch32_clip_224`, and with OpenAI's
        activation `vit_base_patch32_clip_quickgelu_224`).
      depth: number of blocks.
      under: the path of the tower in the tree; none where it is the tree.

    Raises:
      ValueError: if there is no such publisher.
    """
    modules = {
        "huggingface": {
            "vision_model.embeddings.patch_embedding": (*under, "patches"),
            "vision_model.pre_layrnorm": (*under, "patches", "norm"),
            **block_modules("vision_model.encoder.layers", _HUGGINGFACE, depth, under=under),
            "vision_model.post_layernorm": (*under, "norm", "norm"),
            "visual_projection": (*under, "projection"),
        },
        "open_clip": {
            "visual.conv1": (*under, "patches"),
            "visual.ln_pre": (*under, "patches", "norm"),
            **block_modules("visual.transformer.resblocks", _OPEN_CLIP, depth, under=under),
            "visual.ln_post": (*under, "norm", "norm"),
        },
        "timm": {
            "patch_embed.proj": (*under, "patches"),
            "norm_pre": (*under, "patches", "norm"),
            **block_modules("blocks", TIMM_BLOCK, depth, under=under),
            "norm": (*under, "norm", "norm"),
            "head": (*under, "projection"),
        },
    }
    if publisher not in modules:
        raise ValueError(f"publisher={publisher!r}; expected one of {', '.join(modules)}")
    entries = {
        "huggingface": {
            "vision_model.embeddings.class_embedding": _raw(*under, "patches", "class_token"),
            "vision_model.embeddings.position_embedding.weight": _raw(
                *under, "patches", "positions"
            ),
        },
        "open_clip": {
            "visual.class_embedding": _raw(*under, "patches", "class_token"),
            "visual.positional_embedding": _raw(*under, "patches", "positions"),
            **fused_attentions("visual.transformer.resblocks" + _FUSED, depth, under=under),
            "visual.proj": _raw(*under, "projection", "kernel"),
        },
        "timm": {
            "cls_token": _leading(2, *under, "patches", "class_token"),
            "pos_embed": _leading(1, *under, "patches", "positions"),
            **fused_attentions("blocks.{number}.attn.qkv.{kind}", depth, under=under),
        },
    }
    return TorchNames(modules[publisher], entries=entries[publisher], unused=(*_UNUSED, *_TEXT))


def _text_of(publisher: Publisher, depth: int) -> TorchNames:
    under = ("text",)
    if publisher == "huggingface":
        return TorchNames(
            {
                **block_modules("text_model.encoder.layers", _HUGGINGFACE, depth, under=under),
                "text_model.final_layer_norm": ("text", "norm"),
                "text_projection": ("text", "projection"),
            },
            entries={
                "text_model.embeddings.token_embedding.weight": _raw("text", "embedding"),
                "text_model.embeddings.position_embedding.weight": _raw("text", "positions"),
            },
        )
    return TorchNames(
        {
            **block_modules("transformer.resblocks", _OPEN_CLIP, depth, under=under),
            "ln_final": ("text", "norm"),
        },
        entries={
            "token_embedding.weight": _raw("text", "embedding"),
            "positional_embedding": _raw("text", "positions"),
            **fused_attentions("transformer.resblocks" + _FUSED, depth, under=under),
            "text_projection": _raw("text", "projection", "kernel"),
        },
    )


def _leading(axes: int, *path: str) -> Place:
    """Of what has so many more axes of length 1 in the file, before all others."""
    return Place((("params", *path),), leading_layout(axes))


def _raw(*path: str) -> Place:
    """Of what lies in the file as here."""
    return Place((("params", *path),), AS_IT_IS)
