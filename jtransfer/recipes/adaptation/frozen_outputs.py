"""What a trunk's frozen stages make of images, taken once, in place of these."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.data.feeds.file_examples import FileExamples
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.transfer.features.extraction import extract
from jtransfer.transfer.features.extraction_pass import Batches
from jtransfer.transfer.features.local_devices import over_local_devices

_BATCH = 64
_LAYER = "maps"


@dataclass(frozen=True, eq=False)
class FrozenOutputs:
    """Examples of which a trunk's frozen stages have seen the images.

    Attributes:
      of: the examples.
      images: [n, height, width, channels] float32, what the last frozen stage gives.
    """

    of: Examples | FileExamples
    images: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """[n] int32; errors are those of the examples."""
        return self.of.labels

    @property
    def labelled(self) -> bool:
        """Whether there are any."""
        return isinstance(self.of, Examples) or self.of.labelled

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.of.classes

    @property
    def name(self) -> str:
        """Where the images come from."""
        return self.of.name

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.of)

    def take(self, indices: np.ndarray) -> "FrozenOutputs":
        """The examples at the given positions, in that order."""
        return replace(self, of=self.of.take(indices), images=self.images[indices])

    def fingerprint(self) -> str:
        """That of the images: a run's settings say which stages they went through."""
        return self.of.fingerprint()


def frozen_outputs(
    examples: Examples | FileExamples, trunk: PublishedTrunk, *, cache_folder: Path | str
) -> FrozenOutputs:
    """Send images through the stages that stay as they were published, once for all runs.

    In a `Problem` of such parts, with `Options(trunk=trunk.above_frozen)`, methods learn what they
    learn with `Options(trunk=trunk)` of the images, in a fraction of the time: EfficientNet-Lite0's
    last stages from `block6` on take a seventh of the whole net's step. Methods that change images
    at random, as the mean teacher does, need the images.

    Args:
      examples: uint8 images as the trunk wants them.
      trunk: with frozen stages; batch norm in these has the statistics of domain 0, which are the
        published ones, as are the other domains'.
      cache_folder: where a folder is made for each trunk and set of images.

    Raises:
      DataError: if an image cannot be read.
      FeatureCacheError: if the cache cannot be used, as `extract`.
      ValueError: if no stage is frozen.
    """
    if not trunk.frozen:
        raise ValueError("no stage is frozen; expected one at least. Give PublishedTrunk frozen=")
    below, variables = trunk.frozen_part

    def forward(variables: Any, pixels: jax.Array) -> dict[str, jax.Array]:
        maps: Any = below.apply(variables, trunk.normalise(pixels))
        return {_LAYER: maps}

    shape = (1, *examples.images.shape[1:])
    found = jax.eval_shape(forward, variables, jax.ShapeDtypeStruct(shape, np.uint8))[_LAYER]
    key = {
        "net": trunk.loaded.name,
        "weights": trunk.loaded.sha256,
        "preprocessing": str(trunk.loaded.preprocessing),
        "data": f"{examples.name} {examples.fingerprint()}",
        "layers": ", ".join(trunk.frozen_stages),
        "maps": "whole",
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]

    def batches(start: int, stop: int) -> Batches:
        if isinstance(examples, FileExamples):
            yield from image_batches(
                examples.files,
                examples.crop,
                batch=_BATCH,
                workers=examples.workers,
                start=start,
                stop=stop,
            )
            return
        for first in range(start, stop, _BATCH):
            rows = np.arange(first, min(first + _BATCH, stop))
            yield rows, examples.images[rows]

    features = extract(
        over_local_devices(forward, variables),
        batches,
        rows=len(examples),
        folder=Path(cache_folder) / f"{trunk.loaded.name}-{digest}",
        key=key,
    )
    return FrozenOutputs(examples, features.layers[_LAYER].reshape(-1, *found.shape[1:]))
