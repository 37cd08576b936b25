"""Two domains that name the same classes, made ready for training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jax.sharding import Mesh

from jtransfer.data import (
    DataError,
    Examples,
    require_same_classes,
    require_same_pixels,
)
from jtransfer.data.feeds.domain_feed import DomainFeed, FileDomain
from jtransfer.data.feeds.file_examples import CutImages, FileExamples
from jtransfer.data.feeds.resident import (
    Domain,
    ResidentFeed,
    Transform,
    centred,
    channel_means,
    standardised,
)
from jtransfer.data.synthetic.mnist_m import subset
from jtransfer.recipes.adaptation.frozen_outputs import FrozenOutputs

Part = Examples | FileExamples | FrozenOutputs
Pixels = Literal["centred", "standardised", "plain"]


def pixel_transform(pixels: Pixels, means: np.ndarray) -> Transform:
    """What is done to uint8 images whose channels have these means."""
    if pixels == "standardised":
        return standardised
    return centred(means if pixels == "centred" else np.zeros_like(means))


@dataclass(frozen=True)
class Problem:
    """A labelled source and a target whose labels no method but "train on target" is given.

    All parts are images in memory, or all are image files, which stay where they are unless they
    are few, or all are what a trunk's frozen stages made of either.

    Attributes:
      source: the source's training examples.
      target: the target's training examples.
      test: the target's test examples, whose labels judge and never decide. Files of which nobody
        has said what they show judge nothing, and results have no accuracy.
      held_out: examples of the source that nothing is trained on, for source risk.

    Raises:
      DataError: if the parts differ in their classes or their order, the size of their images, or
        the range of their pixels; or are not held in one way.
    """

    source: Part
    target: Part
    test: Part
    held_out: Part

    def __post_init__(self):
        """Check that the domains agree."""
        for one, other in (
            (self.source, self.target),
            (self.target, self.test),
            (self.source, self.held_out),
        ):
            require_same_classes(one, other)
            _require_alike(one, other)

    @classmethod
    def between(cls, source: Part, target: Part, *, seed: int = 0) -> "Problem":
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

    @property
    def judges(self) -> bool:
        """Whether the test examples have labels."""
        return _labelled(self.test)

    def sample(self, part: str, most: int) -> Part:
        """At most so many examples of a part, at random: some sets are sorted by class."""
        examples: Part = getattr(self, part)
        size = min(most, len(examples))
        key = part, size
        if key not in self._samples:  # files are not read again at each look
            rows = subset(len(examples), size, np.random.default_rng(0))
            self._samples[key] = examples.take(rows)
        return self._samples[key]

    @cached_property
    def _samples(self) -> dict[tuple[str, int], Part]:
        return {}

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
        return {domain: _means_of(getattr(self, domain).images) for domain in ("source", "target")}

    def feed(
        self,
        sees: Sequence[str],
        labelled: Sequence[str],
        *,
        batch: int,
        seed: int,
        pixels: Pixels = "centred",
        transform: Transform | None = None,
        mesh: Mesh | None = None,
    ) -> ResidentFeed | DomainFeed:
        """Batches of the domains that a method sees, with the labels of those that it may see.

        Images are changed as `pixels` says, or by a transform of the caller's. Batches are the same
        whether images are kept or decoded for each; over a mesh of several processes' devices each
        decodes its share.

        Raises:
          DataError: if a label is to be seen that nobody knows.
        """
        parts: dict[str, Part] = {name: getattr(self, name) for name in sees}
        labels = {name: parts[name].labels for name in labelled}
        change = {name: transform or self.transform(name, pixels) for name in sees}
        files = {name: part for name, part in parts.items() if isinstance(part, FileExamples)}
        if not all(part.kept for part in files.values()):
            return DomainFeed(
                {
                    name: FileDomain(part.files, part.crop, batch, name in labels, change[name])
                    for name, part in files.items()
                },
                seed=seed,
                workers=max(part.workers for part in files.values()),
                in_memory=max(part.in_memory for part in files.values()),
                mesh=mesh,
            )
        domains = {}
        for name, part in parts.items():
            images = part.images
            fields = {"image": images.whole if isinstance(images, CutImages) else images}
            if name in labels:
                fields["label"] = labels[name]
            domains[name] = Domain(fields, batch, change[name])
        return ResidentFeed(domains, seed)


def _labelled(part: Part) -> bool:
    return isinstance(part, Examples) or part.labelled


def _require_alike(one: Part, other: Part) -> None:
    """Check that two parts are held in one way, and that their images are alike."""
    if isinstance(one, Examples) and isinstance(other, Examples):
        require_same_pixels(one, other)
    elif type(one) is not type(other):
        kinds = [f"{each.name} as {type(each).__name__}" for each in (one, other)]
        raise DataError(
            f"{' and '.join(kinds)}; expected all parts of a problem in memory, or all as files. "
            "Give them in one way"
        )
    elif isinstance(one, FrozenOutputs) and isinstance(other, FrozenOutputs):
        _require_alike(one.of, other.of)
    elif (
        isinstance(one, FileExamples) and isinstance(other, FileExamples) and one.crop != other.crop
    ):
        raise DataError(
            f"{one.name} is cut by {one.crop} and {other.name} by {other.crop}; expected one crop. "
            "Cut all parts alike"
        )


def _means_of(images: np.ndarray | CutImages) -> np.ndarray:
    if isinstance(images, np.ndarray):
        return channel_means(images)
    sums = sum(len(part) * channel_means(part).astype(np.float64) for part in images.parts())
    return np.asarray(sums / len(images), np.float32)
