"""Features of a folder's images, a few numbers a layer, taken once and kept."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.feeds.workers import worth_starting
from jtransfer.data.image_files import ImageFiles
from jtransfer.files.memory import in_units
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.transfer.features.extraction import Features, extract
from jtransfer.transfer.features.extraction_pass import Batches
from jtransfer.transfer.features.local_devices import over_local_devices

OnUnreadable = Literal["stop", "skip"]

_BATCH = 32
_COMMIT_EVERY = 128  # images: what an interrupted extraction loses at most


def pooled_features(
    trunk: FrozenTrunk,
    files: ImageFiles,
    *,
    cache_folder: Path,
    fingerprint: str | None = None,
    layers: Sequence[str] | None = None,
    workers: int = 2,
    on_unreadable: OnUnreadable = "stop",
) -> Features:
    """A trunk's layers averaged over the pixels, one row a file, from the cache where it has them.

    Of EfficientNet-Lite0's last five layers these are 8 kB an image. What was interrupted goes on.

    Args:
      trunk: the net.
      files: the images.
      cache_folder: where a folder is made for each net and set of images.
      fingerprint: of the files, if it is known; otherwise all are read for it.
      layers: names of the trunk's stages; by default those that it has for trying.
      workers: processes that decode images; 0 decodes in this one.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it (see `Features.present`).

    Returns:
      For each layer [files, channels] float32, memory-mapped.

    Raises:
      DataError: if an image cannot be read and `on_unreadable` is "stop".
      FeatureCacheError: if the cache cannot be used, as `extract`.
    """
    layers = trunk.layers if layers is None else tuple(layers)
    key = {
        "net": trunk.name,
        "weights": trunk.sha256,
        "preprocessing": str(trunk.preprocessing),
        "data": fingerprint or files.fingerprint(),
        "layers": ", ".join(layers),
        "maps": "averaged over the pixels",
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]

    def batches(start: int, stop: int) -> Batches:
        decoded = image_batches(
            files,
            trunk.crop,
            batch=_BATCH,
            workers=worth_starting(files.paths[start:stop], workers),
            on_unreadable=on_unreadable,
            start=start,
            stop=stop,
        )
        what = f"{trunk.name}: features"
        with tqdm(
            desc=what, initial=start, total=stop, unit="img", disable=None, leave=False
        ) as bar:
            for rows, images in decoded:
                yield rows, images
                bar.update(int(rows[-1]) + 1 - bar.n)

    features = extract(
        over_local_devices(partial(trunk, layers=layers), trunk.variables),
        batches,
        rows=len(files),
        folder=cache_folder / f"{trunk.name}-{digest}",
        key=key,
        commit_every=_COMMIT_EVERY,
    )
    absent = [
        str(path) for path, there in zip(files.paths, features.present, strict=True) if not there
    ]
    if absent and on_unreadable == "stop":
        raise DataError(
            f"{len(absent):,} of {len(files):,} images could not be read when their features were "
            f"taken ({', '.join(absent[:5])}{', ...' if absent[5:] else ''}); replace these files, "
            "or leave them out by on_unreadable='skip'"
        )
    return features


def kept_bytes(features: Features) -> str:
    """What the features take on disk, for people."""
    return in_units(sum(layer.nbytes for layer in features.layers.values()))
