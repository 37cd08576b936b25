"""Two domains that name the same classes, made ready for training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from jtransfer.data import Examples, require_same_classes, require_same_pixels
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
    """A labelled source and a target whose labels no method but "train on target" is given.

    Attributes:
      source: the source's training examples.
      target: the target's training examples.
      test: the target's test examples, whose labels judge and never decide.
      held_out: examples of the source that nothing is trained on, for source risk.

    Raises:
      DataError: if the parts differ in their classes or their order, the size of their images, or
        the range of their pixels.
    """

    source: Examples
    target: Examples
    test: Examples
    held_out: Examples

    def __post_init__(self):
        """Check that the domains agree."""
        for one, other in (
            (self.source, self.target),
            (self.target, self.test),
            (self.source, self.held_out),
        ):
            require_same_classes(one, other)
            require_same_pixels(one, other)

    @classmethod
    def between(cls, source: Examples, target: Examples, *, seed: int = 0) -> "Problem":
        """The problem of two sets of examples: a fifth of each is held out at random.

        Errors are those of the class.
        """
        parts = []
        for examples in (source, target):
            order = np.random.default_rng(seed).permutation(len(examples))
            cut = max(1, len(examples) // 5)
            parts.append((examples.take(order[cut:]), examples.take(order[:cut])))
        (source, held_out), (target, test) = parts
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
        """Of what is trained, tested and looked at."""
        parts = ("source", "target", "test", "held_out")
        return {part: getattr(self, part).fingerprint() for part in parts}

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
        transform: Transform | None = None,
    ) -> ResidentFeed:
        """Batches of the domains that a method sees, with the labels of those that it may see.

        Images are changed as `pixels` says, or by a transform of the caller's.
        """
        domains = {}
        for name in sees:
            examples: Examples = getattr(self, name)
            fields = {"image": examples.images}
            if name in labelled:
                fields["label"] = examples.labels
            domains[name] = Domain(fields, batch, transform or self.transform(name, pixels))
        return ResidentFeed(domains, seed)
