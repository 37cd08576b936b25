"""Batches mixed from the data of several tasks, by a temperature."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from jtransfer.data.feeds.resident import Transform


def mixing_shares(counts: np.ndarray, *, temperature: float) -> np.ndarray:
    """Share of a batch that each set has: p_i ~ n_i^(1/T) (Arivazhagan et al. 2019, section 4.2).

    >>> mixing_shares(np.array([100, 400]), temperature=2.0).round(3).tolist()
    [0.333, 0.667]

    Args:
      counts: [sets] numbers of examples.
      temperature: 1 for shares as the sets are large, infinity for equal shares.

    Returns:
      [sets] float64 of sum 1.

    Raises:
      ValueError: if a set is empty or the temperature is not positive.
    """
    counts = np.asarray(counts)
    if not counts.size or counts.min() < 1:
        raise ValueError(f"sets of {counts.tolist()} examples; expected one or more in each")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive one, such as 1 or inf")
    # Against the largest, so that a low temperature does not overflow.
    shares = (counts / counts.max()) ** (1.0 / temperature)
    return shares / shares.sum()


@dataclass(frozen=True)
class MixedFeed:
    """Batches mixed from several sets of examples, all on the device.

    A set may hold the labels of all tasks, of some or of one: those that it does not have are
    missing in its examples, -1 where labels are integers and NaN where they are floats. Each place
    of a batch first draws a set, then one of its examples; both by (seed, step) alone, so that a
    resumed run sees what it would have seen.

    Attributes:
      sets: name of each set to its fields: `image` [n, h, w, c] uint8 and labels [n].
      batch: examples a step.
      temperature: of `mixing_shares`.
      seed: of the draws.
      transform: applied to the gathered images inside the compiled step; None leaves them.
      domain: key of the examples in the batch.

    Raises:
      ValueError: if fields do not fit each other, or a number is out of range.
    """

    sets: Mapping[str, Mapping[str, Any]]
    batch: int
    temperature: float = 1.0
    seed: int = 0
    transform: Transform | None = None
    domain: str = "source"

    def __post_init__(self):
        """Check that the sets fit together."""
        if self.batch < 1:
            raise ValueError(f"a batch of {self.batch} examples; expected 1 or more")
        for name, fields in self.sets.items():
            lengths = {key: len(values) for key, values in fields.items()}
            if "image" not in fields or len(set(lengths.values())) != 1:
                raise ValueError(
                    f"the set {name!r} has fields of {lengths} examples; expected images and as "
                    "many labels of each kind"
                )
        shapes = {name: np.shape(fields["image"])[1:] for name, fields in self.sets.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(
                f"the sets' images differ in shape: {shapes}; expected one shape. Bring them to "
                "one size and number of channels by jtransfer.data.images.fit"
            )
        mixing_shares(self._counts, temperature=self.temperature)

    @property
    def examples_per_step(self) -> int:
        """Examples in one batch."""
        return self.batch

    @property
    def _counts(self) -> np.ndarray:
        return np.array([len(fields["image"]) for fields in self.sets.values()], np.int64)

    @cached_property
    def constants(self) -> dict[str, jax.Array]:
        """The sets one behind the other, missing labels filled in, on the device."""
        names = dict.fromkeys(name for fields in self.sets.values() for name in fields)
        return {name: jax.device_put(self._joined(name)) for name in names}

    def inputs(self, step: int) -> np.ndarray:
        """Positions of a step's examples in the joined sets: [batch] int32."""
        random = np.random.default_rng((self.seed, step))
        counts = self._counts
        shares = mixing_shares(counts, temperature=self.temperature)
        drawn = random.choice(len(counts), size=self.batch, p=shares)
        firsts = np.cumsum(counts) - counts
        return (firsts[drawn] + random.integers(counts[drawn])).astype(np.int32)

    def gather(self, constants: Any, positions: Any) -> dict[str, dict[str, jax.Array]]:
        """Take the examples from the resident arrays and transform the images; pure."""
        fields = {name: values[positions] for name, values in constants.items()}
        if self.transform is not None:
            fields["image"] = self.transform(fields["image"])
        return {self.domain: fields}

    def _joined(self, name: str) -> np.ndarray:
        there = [np.asarray(fields[name]) for fields in self.sets.values() if name in fields]
        floats = np.issubdtype(there[0].dtype, np.floating)
        missing, kind = (math.nan, np.float32) if floats else (-1, np.int32)
        if name == "image":
            return np.concatenate(there)
        return np.concatenate(
            [
                np.asarray(fields.get(name, np.full(count, missing)), kind)
                for fields, count in zip(self.sets.values(), self._counts, strict=True)
            ]
        )
