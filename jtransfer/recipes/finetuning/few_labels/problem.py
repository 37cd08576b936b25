"""A source with labels, and a target of which some examples are labelled."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jtransfer.data import Examples, require_same_classes, require_same_pixels
from jtransfer.data.feeds.resident import Transform, centred, channel_means
from jtransfer.data.splits import per_class_split
from jtransfer.transfer.finetuning.finetune import require_every_class


@dataclass(frozen=True)
class Problem:
    """Images of a source and a target, whose classes may be others: the head is new.

    Attributes:
      source: the source's training examples.
      source_test: the source's test examples.
      target: the target's training examples, of which some are labelled.
      test: the target's test examples.

    Raises:
      DataError: if test examples have other classes than the training examples, or the parts differ
        in the size of their images or the range of their pixels.
    """

    source: Examples
    source_test: Examples
    target: Examples
    test: Examples

    def __post_init__(self):
        """Check that the parts agree."""
        require_same_classes(self.source, self.source_test)
        require_same_classes(self.target, self.test)
        for other in (self.source_test, self.target, self.test):
            require_same_pixels(self.source, other)

    @property
    def same_classes(self) -> bool:
        """Whether the source's own head can judge the target."""
        return self.source.classes == self.target.classes

    @cached_property
    def transform(self) -> Transform:
        """Centre by the mean of the source, as the trunk was trained."""
        return centred(channel_means(self.source.images))

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of every part."""
        parts = ("source", "source_test", "target", "test")
        return {part: getattr(self, part).fingerprint() for part in parts}

    def labelled(self, each: int, seed: int) -> np.ndarray:
        """Positions of `each` images a class of the target's training set, or of all for 0.

        Raises:
          DataError: if a class has too few for one to be left.
          ValueError: if of all there are none of a class.
        """
        labels, classes = self.target.labels, self.target.classes
        if each == 0:
            require_every_class(labels, classes)
            return np.arange(len(labels))
        return per_class_split(labels, train=each, seed=seed, classes=classes)[0]
