"""Features of small images in memory, scaled up for a net that was trained on larger ones."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.recipes.features.stopwatch import Stopwatch
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.transfer.features.extraction import Features, extract
from jtransfer.transfer.features.extraction_pass import Batches
from jtransfer.transfer.features.local_devices import over_local_devices

_BATCH = 64


def pooled_array_features(
    trunk: FrozenTrunk,
    examples: Examples,
    *,
    size: int,
    cache_folder: Path,
    layers: Sequence[str] | None = None,
) -> Features:
    """A trunk's layers averaged over the pixels, of images scaled to a square, kept on disk.

    `pooled_features` of images that are there as an array. They are scaled up whole, and grey ones
    are repeated over three channels.

    Args:
      trunk: the net.
      examples: the images; their labels are not looked at.
      size: side of the scaled images in pixels.
      cache_folder: where a folder is made for each net, size and set of images.
      layers: names of the trunk's stages; by default those that it has for trying.

    Returns:
      For each layer [images, channels] float32, memory-mapped.

    Raises:
      FeatureCacheError: if the cache cannot be used, as `extract`.
    """
    layers = trunk.layers if layers is None else tuple(layers)
    key = {
        "net": trunk.name,
        "weights": trunk.sha256,
        "preprocessing": f"scaled to {size} pixels; {trunk.preprocessing}",
        "data": f"{examples.name} {examples.fingerprint()}",
        "layers": ", ".join(layers),
        "maps": "averaged over the pixels",
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    watch = Stopwatch()
    forward = partial(_forward, trunk, layers, size)

    def batches(start: int, stop: int) -> Batches:
        rows = np.arange(start, stop)
        blocks = (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))
        found = ((block, examples.images[block]) for block in blocks)
        return watch.batches(found, start=start, total=stop)

    return extract(
        watch.net(over_local_devices(forward, trunk.variables)),
        batches,
        rows=len(examples),
        folder=cache_folder / f"{trunk.name}-{digest}",
        key=key,
    )


def _forward(
    trunk: FrozenTrunk, layers: Sequence[str], size: int, variables: Any, images: jax.Array
) -> dict[str, jax.Array]:
    """Layers [batch, channels] of uint8 images [batch, height, width, 1 or 3]."""
    pixels = jax.image.resize(images * 1.0, (len(images), size, size, images.shape[-1]), "linear")
    return trunk(variables, pixels.repeat(3 // images.shape[-1], axis=-1), layers)
