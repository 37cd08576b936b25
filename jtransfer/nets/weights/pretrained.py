"""Published weights, by the name of the net, put into its tree of variables."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.reading import read_bytes, reading
from jtransfer.nets.weights.catalogue.clip import PublishedTowers
from jtransfer.nets.weights.catalogue.entry import Origin, PublishedWeights
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.safetensors import read_safetensors
from jtransfer.nets.weights.state_dict import weights_of_net
from jtransfer.nets.weights.torch_file import read_torch
from jtransfer.nets.weights.torch_layout import place_weights

_ZIP = "a zip archive"  # what torch.save writes


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


def published_weights(name: str) -> PublishedWeights:
    """What is known of the weights of a name.

    Raises:
      WeightsError: if there are none.
    """
    if name not in PRETRAINED:
        raise WeightsError(f"no weights {name!r}; expected one of {', '.join(PRETRAINED)}")
    return PRETRAINED[name]


def load_pretrained(
    name: str,
    template: Mapping[str, Any],
    *,
    path: Path | str | None = None,
    without: str | Collection[str] = (),
    cache_folder: Path | str | None = None,
) -> Pretrained:
    """Load published weights into the variables of a net; nothing in the file is executed.

    Args:
      name: a key of `PRETRAINED`.
      template: `jax.eval_shape(net.init, key, images)`, or of fewer stages by `until=`; the stages
        that it lacks are left out of what the file holds.
      path: of a safetensors file or a state dict that `torch.save` wrote, with the publisher's
        names; by default the publisher's file: in the Python package that ships it, or downloaded
        once. The hash in a name such as `alexnet-owt-7be5be79.pth` is checked. Of a training
        script's checkpoint the entry `state_dict` is taken, or another of `state_dict.ENTRIES`.
      without: what is left out too: stages of the template, such as a head of other classes, which
        `net.init` gives; or beginnings of names in the file, of what the net does not have.
      cache_folder: where downloads are kept; by default `JTRANSFER_CACHE` or `~/.cache/jtransfer`.

    Raises:
      WeightsError: if the name is unknown; the file is missing, no file, may not be read, is of
        another kind, cut, damaged, of another hash or size than it claims, or wants to run code;
        or it does not fit the template, listing the differences.
    """
    left_out = (without,) if isinstance(without, str) else tuple(without)
    return place_published(
        name,
        published_weights(name),
        template,
        path=path,
        left_out=left_out,
        cache_folder=cache_folder,
    )


def place_published(
    name: str,
    published: PublishedWeights | PublishedTowers,
    template: Mapping[str, Any],
    *,
    path: Path | str | None,
    left_out: Sequence[str] = (),
    cache_folder: Path | str | None,
) -> Pretrained:
    """Load weights of which this is known; arguments and errors are those of `load_pretrained`."""
    if path is not None:
        file = Path(path).expanduser()
        expected = _hash_in_name(file)
    else:
        folder = Path(cache_folder or default_cache_folder()).expanduser()
        what = f"the weights of {name} ({published.publisher})"
        file, expected = fetched(what, published.origins, folder)
    with reading(
        file,
        f"the weights of {name}, as a safetensors file or a state dict that torch.save wrote",
        error=WeightsError,
        kinds=(_ZIP,),
        absent=f"Give the path of such a file, from {published.publisher}",
        damaged=f"Give such a file, from {published.publisher}",
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
    arrays = weights_of_net(arrays, published.names.places())
    template, arrays = _without(left_out, template, arrays)
    variables = place_weights(arrays, published.names, template, net=name, source=str(file))
    return Pretrained(variables, sha256, name)


def _without(
    left_out: Sequence[str], template: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Template and file without what is left out of them."""
    stages = list(dict.fromkeys(stage for tree in template.values() for stage in tree))
    unknown = [
        each
        for each in left_out
        if each not in stages and not any(name.startswith(each) for name in arrays)
    ]
    if unknown:
        raise WeightsError(
            f"without={', '.join(map(repr, unknown))}: no stage of the template, which has "
            f"{', '.join(stages)}, and no beginning of a name in the file"
        )
    rest = {
        collection: {stage: part for stage, part in tree.items() if stage not in left_out}
        for collection, tree in template.items()
    }
    beginnings = tuple(each for each in left_out if each not in stages)
    return rest, {name: array for name, array in arrays.items() if not name.startswith(beginnings)}


def fetched(what: str, origins: Sequence[Origin], folder: Path) -> tuple[Path, str]:
    """A publisher's file and its hash, from where it is at hand, else from where it can be got.

    Args:
      what: the file is, for messages.
      origins: of the file.
      folder: where downloads are kept.

    Raises:
      WeightsError: if it cannot be got from anywhere, with the reason for each place.
    """
    reasons = []
    for origin in sorted(origins, key=lambda origin: not origin.at_hand(folder)):
        try:
            return origin.fetch(folder), origin.sha256
        except WeightsError as error:
            reasons.append(str(error))
    raise WeightsError(
        f"{what} are not at hand: {'. Else: '.join(reasons)}. Or give a file of them by path="
    )


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
