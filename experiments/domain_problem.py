"""The data of a pair of domains, made ready for training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from experiments.domain_pairs import Pair
from jtransfer.data import Examples, images, load, require_same_classes, require_same_pixels
from jtransfer.data.feeds.resident import (
    Domain,
    ResidentFeed,
    Transform,
    centred,
    channel_means,
    standardised,
)
from jtransfer.data.synthetic.mnist_m import subset

Pixels = Literal["centred", "standardised", "plain"]


def pixel_transform(pixels: Pixels, means: np.ndarray) -> Transform:
    """What is done to uint8 images whose channels have these means."""
    if pixels == "standardised":
        return standardised
    return centred(means if pixels == "centred" else np.zeros_like(means))


@dataclass(frozen=True)
class Problem:
    """A pair's images at one size and value range.

    Attributes:
      source: the source's training examples.
      target: the target's training examples.
      test: the target's test examples.
      held_out: examples of the source that nothing is trained on.
    """

    source: Examples
    target: Examples
    test: Examples
    held_out: Examples

    @classmethod
    def load(cls, pair: Pair, data_root: Path | None, *, seed: int = 0) -> "Problem":
        """Load a pair, fit its images to one size and check that the domains agree.

        Args:
          pair: what to load.
          data_root: where files are looked for.
          seed: of what is drawn, and of the choice where not all training images are used.

        Raises:
          DataError: if a domain is missing, or the two differ in their classes, their order, or
            the range of their pixels.
        """
        source, target, test, held_out = (
            images.fit(examples, size=pair.size, channels=pair.channels)
            for examples in (
                load(pair.source, "train", data_root=data_root, size=pair.source_size, seed=seed),
                load(pair.target, "train", data_root=data_root, size=pair.target_size, seed=seed),
                load(pair.target_test, "test", data_root=data_root),
                load(pair.source, "test", data_root=data_root),
            )
        )
        require_same_classes(source, target)
        require_same_classes(target, test)
        require_same_pixels(source, target)
        require_same_pixels(target, test)
        return cls(source, target, test, held_out)

    def sample(self, part: str, most: int) -> Examples:
        """At most so many examples of a part, at random: some sets are sorted by class."""
        examples: Examples = getattr(self, part)
        size = min(most, len(examples))
        return examples.take(subset(len(examples), size, np.random.default_rng(0)))

    def transform(self, domain: str, pixels: Pixels = "centred") -> Transform:
        """What is done to a domain's images; none of it needs a label.

        Args:
          domain: "source" or "target".
          pixels: "centred" by the mean of the domain's training images, "standardised" each image
            by itself, or in 0..1 as they are, "plain".
        """
        return pixel_transform(pixels, self._means[domain])

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Of what is trained and tested on."""
        return {part: getattr(self, part).fingerprint() for part in ("source", "target", "test")}

    @cached_property
    def _means(self) -> dict[str, np.ndarray]:
        return {
            domain: channel_means(getattr(self, domain).images) for domain in ("source", "target")
        }

    def feed(
        self,
        sees: Sequence[str],
        labelled: Sequence[str],
        *,
        batch: int,
        seed: int,
        pixels: Pixels = "centred",
    ) -> ResidentFeed:
        """Batches of the domains that a method sees, with the labels of those that it may see."""
        domains = {}
        for name in sees:
            examples: Examples = getattr(self, name)
            fields = {"image": examples.images}
            if name in labelled:
                fields["label"] = examples.labels
            domains[name] = Domain(fields, batch, self.transform(name, pixels))
        return ResidentFeed(domains, seed)
