"""Published weights of CLIP (Radford et al., ICML 2021): image towers, and both towers.

Of the image towers the features are those before the projection, as the paper's linear probes have
them (section 3.2); `until="projection"` gives the embedding that texts are compared with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jtransfer.nets.clip import Clip, clip
from jtransfer.nets.clip_names import Publisher, clip_image_names, clip_names
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.entry import Origin, PublishedWeights
from jtransfer.nets.weights.catalogue.statistics import CLIP_MEAN, CLIP_STD
from jtransfer.nets.weights.origins.hub import Hub
from jtransfer.nets.weights.origins.package import Package
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.torch_layout import TorchNames

_PREPROCESSING = Preprocessing(224, 1.0, "bicubic", CLIP_MEAN, CLIP_STD)
_SIZES = {32: (87_849_216, 8.82), 16: (86_192_640, 35.13)}  # parameters, GFLOP, by patch
# The commit of the repository that has the weights as safetensors.
_OPENAI = ("openai/clip-vit-base-patch32", "c237dc49a33fc61debc9276459120b7eac67e7ef")
# All have the same tokenizer.
TOKENIZER: tuple[Origin, ...] = (
    Hub(*_OPENAI, file="merges.txt"),
    Package("open_clip", "bpe_simple_vocab_16e6.txt.gz", "", "open_clip_torch"),
)


@dataclass(frozen=True)
class PublishedTowers:
    """Weights of both towers that somebody published.

    Attributes:
      build: makes the net; takes the options of `clip`.
      names: what the published file calls the net's modules.
      preprocessing: of the images that they were judged on.
      origins: where the file comes from, as of `PublishedWeights`.
      tokenizer: where the tokenizer's file comes from.
      publisher: who published them, under which name.
      licence: of the weights.
    """

    build: Callable[..., Clip]
    names: TorchNames
    preprocessing: Preprocessing
    origins: tuple[Origin, ...]
    tokenizer: tuple[Origin, ...]
    publisher: str
    licence: str = "MIT"


@dataclass(frozen=True)
class _Published:
    """One file of both towers.

    Attributes:
      patch: of its vision transformer.
      hub: where it is.
      openai: whether the blocks have OpenAI's activation.
    """

    patch: int
    hub: Hub
    openai: bool = True

    @property
    def publisher(self) -> Publisher:
        return "open_clip" if self.hub.file.startswith("open_clip") else "huggingface"

    def image(self) -> PublishedWeights:
        """The image tower as a trunk."""

        def build(**options: Any) -> Trunk:
            return clip(self.patch, openai=self.openai, **options).image

        parameters, gflop = _SIZES[self.patch]
        return PublishedWeights(
            build=build,
            names=clip_image_names(self.publisher),
            timm_names=clip_image_names("timm"),
            preprocessing=_PREPROCESSING,
            origins=(self.hub,),
            publisher=self.hub.repository,
            licence="MIT",
            parameters=parameters,
            gflop=gflop,
            head="projection",
            classes=None,
        )

    def towers(self) -> PublishedTowers:
        """Both towers."""

        def build(**options: Any) -> Clip:
            return clip(self.patch, openai=self.openai, **options)

        return PublishedTowers(
            build=build,
            names=clip_names(self.publisher),
            preprocessing=_PREPROCESSING,
            origins=(self.hub,),
            tokenizer=TOKENIZER,
            publisher=self.hub.repository,
        )


_FILES = {
    "clip_vit_b32": _Published(32, Hub(*_OPENAI)),
    "clip_vit_b16": _Published(
        16, Hub("timm/vit_base_patch16_clip_224.openai", file="open_clip_model.safetensors")
    ),
    "clip_vit_b32_laion2b": _Published(
        32,
        Hub(
            "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
            "1a25a446712ba5ee05982a381eed697ef9b435cf",
            file="open_clip_model.safetensors",
        ),
        openai=False,
    ),
}
CLIPS = {name: each.image() for name, each in _FILES.items()}
CLIP_TOWERS = {name: each.towers() for name, each in _FILES.items()}
