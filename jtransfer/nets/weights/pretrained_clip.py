"""CLIP's two towers with published weights in one call, and the tokenizer of their texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.clip import Clip
from jtransfer.nets.clip_tokenizer import ClipTokenizer, read_clip_tokenizer
from jtransfer.nets.weights.catalogue.clip import CLIP_TOWERS, PublishedTowers
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import fetched, place_published


@dataclass(frozen=True, eq=False)
class PretrainedClip:
    """Both towers, their published weights, and how they want images and texts.

    Attributes:
      net: the towers; `net.apply(variables, pixels, method="encode_image")`, and "encode_text".
      variables: of the net, of NumPy arrays.
      preprocessing: how images are scaled, cut and normalised, which is not in the net.
      tokenizer: from texts to the text tower's numbers.
      name: of the weights.
      sha256: of the file that they are from.
    """

    net: Clip
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    tokenizer: ClipTokenizer
    name: str
    sha256: str


def pretrained_clip(
    name: str,
    *,
    path: Path | str | None = None,
    tokenizer: Path | str | None = None,
    mend: bool = True,
    cache_folder: Path | str | None = None,
    **options: Any,
) -> PretrainedClip:
    """Load both towers of CLIP; nothing in a file is executed.

    Args:
      name: a key of `CLIP_TOWERS`: "clip_vit_b32", "clip_vit_b16", "clip_vit_b32_laion2b".
      path: of a file of weights with the publisher's names; by default the publisher's own, from
        the hub's cache or downloaded once.
      tokenizer: of a file that `read_clip_tokenizer` takes; by default as the weights.
      mend: as for `read_clip_tokenizer`.
      cache_folder: where downloads are kept; by default `JTRANSFER_CACHE` or `~/.cache/jtransfer`.
      **options: further arguments of `clip`, for the file of a net of another shape.

    Raises:
      WeightsError: if the name is unknown, the weights or the tokenizer cannot be had or do not
        fit, or a package that the tokenizer needs is missing.
    """
    published = published_towers(name)
    folder = Path(cache_folder or default_cache_folder()).expanduser()
    if tokenizer is None:
        tokenizer, _ = fetched("the merges of CLIP's tokenizer", published.tokenizer, folder)
    net = published.build(**options)
    texts = read_clip_tokenizer(tokenizer, length=net.text.length, mend=mend)
    size = options.get("size", published.preprocessing.size)
    template = jax.eval_shape(
        net.init,
        jax.random.key(0),
        jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32),
        jax.ShapeDtypeStruct((1, net.text.length), jnp.int32),
    )
    loaded = place_published(name, published, template, path=path, cache_folder=folder)
    return PretrainedClip(
        net, loaded.variables, published.preprocessing.at(size), texts, name, loaded.sha256
    )


def published_towers(name: str) -> PublishedTowers:
    """What is known of the towers of a name.

    Raises:
      WeightsError: if there are none.
    """
    if name not in CLIP_TOWERS:
        raise WeightsError(f"no CLIP {name!r}; expected one of {', '.join(CLIP_TOWERS)}")
    return CLIP_TOWERS[name]


def clip_at_hand(*, cache_folder: Path | str | None = None) -> str:
    """The first of the towers whose weights and tokenizer are on this machine.

    Raises:
      WeightsError: if there are none, with the commands that get some.
    """
    folder = Path(cache_folder or default_cache_folder()).expanduser()

    def there(published: PublishedTowers) -> bool:
        return all(
            any(origin.at_hand(folder) for origin in origins)
            for origins in (published.origins, published.tokenizer)
        )

    found = next((name for name, each in CLIP_TOWERS.items() if there(each)), None)
    if found is None:
        first = next(iter(CLIP_TOWERS.values()))
        commands = " and ".join(f"`{each[0].get()}`" for each in (first.origins, first.tokenizer))
        raise WeightsError(
            f"there are no weights of CLIP on this machine; get {first.publisher} by "
            f"`pip install 'jtransfer[clip,hub]'`, then {commands}"
        )
    return found
