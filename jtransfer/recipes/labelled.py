"""Batches of some labelled examples of a set that lies on the device whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jtransfer.data.feeds.resident import Transform
from jtransfer.train.compilation import Gather


@dataclass(frozen=True)
class LabelledFeed:
    """Batches of some examples of a set, in a fresh order every epoch.

    A batch may span epochs and be larger than the labelled set: then it holds examples repeatedly.

    Attributes:
      constants: `image` and `label` of the whole set, on the device.
      positions: the labelled examples.
      batch: examples a step.
      seed: of the order.
    """

    constants: Mapping[str, jax.Array]
    positions: np.ndarray
    batch: int
    seed: int

    def inputs(self, step: int) -> np.ndarray:
        """Positions of a step's examples: [batch] int32."""
        count, start = len(self.positions), step * self.batch
        first, last = start // count, (start + self.batch - 1) // count
        stream = np.concatenate(
            [
                np.random.default_rng((self.seed, epoch)).permutation(self.positions)
                for epoch in range(first, last + 1)
            ]
        )
        begin = start - first * count
        return stream[begin : begin + self.batch].astype(np.int32)


def gather_by(transform: Transform | None) -> Gather:
    """Take a batch's examples and transform its images, for `compile_step`."""

    def gather(constants: Any, positions: Any) -> dict[str, dict[str, jax.Array]]:
        images = constants["image"][positions]
        images = images if transform is None else transform(images)
        return {"target": {"image": images, "label": constants["label"][positions]}}

    return gather
