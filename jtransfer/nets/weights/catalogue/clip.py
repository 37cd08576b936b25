"""Published weights of CLIP's image towers (Radford et al., ICML 2021).

The features are those before the projection, as the paper's linear probes have them (section 3.2);
`until="projection"` gives the embedding that texts are compared with.
"""

from typing import Any

from jtransfer.nets.clip import clip
from jtransfer.nets.clip_names import clip_image_names
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.statistics import CLIP_MEAN, CLIP_STD
from jtransfer.nets.weights.origins.hub import Hub
from jtransfer.nets.weights.preprocessing import Preprocessing

_SIZES = {32: (87_849_216, 8.82), 16: (86_192_640, 35.13)}  # parameters, GFLOP, by patch


def _tower(patch: int, hub: Hub, *, openai: bool = True) -> PublishedWeights:
    """An image tower, whose file is named as open_clip's or as that of transformers."""

    def build(**options: Any) -> Trunk:
        return clip(patch, openai=openai, **options).image

    parameters, gflop = _SIZES[patch]
    return PublishedWeights(
        build=build,
        names=clip_image_names("open_clip" if hub.file.startswith("open_clip") else "huggingface"),
        preprocessing=Preprocessing(224, 1.0, "bicubic", CLIP_MEAN, CLIP_STD),
        origins=(hub,),
        publisher=hub.repository,
        licence="MIT",
        parameters=parameters,
        gflop=gflop,
        head="projection",
        classes=None,
    )


CLIPS = {
    # The commit of the repository that has the weights as safetensors.
    "clip_vit_b32": _tower(
        32, Hub("openai/clip-vit-base-patch32", "c237dc49a33fc61debc9276459120b7eac67e7ef")
    ),
    "clip_vit_b16": _tower(
        16, Hub("timm/vit_base_patch16_clip_224.openai", file="open_clip_model.safetensors")
    ),
    "clip_vit_b32_laion2b": _tower(
        32,
        Hub(
            "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
            "1a25a446712ba5ee05982a381eed697ef9b435cf",
            file="open_clip_model.safetensors",
        ),
        openai=False,
    ),
}
