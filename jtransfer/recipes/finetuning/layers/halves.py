"""A data set whose classes are split into halves A and B, each a task of its own."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jtransfer.data import Examples, require_same_classes, require_same_pixels
from jtransfer.data.feeds.resident import Transform, centred, channel_means


@dataclass(frozen=True)
class Half:
    """One half of the classes, as a task of its own.

    Attributes:
      labels: [n] of the whole training set, -1 for images of other classes.
      positions: of this half's training images.
      test_images: of this half.
      test_labels: of this half.
    """

    labels: np.ndarray
    positions: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True)
class Halved:
    """Examples whose classes are split at random.

    Attributes:
      train: the training examples.
      test: the test examples.

    Raises:
      DataError: if the two differ in their classes, the size of their images or the range of their
        pixels.
    """

    train: Examples
    test: Examples

    def __post_init__(self):
        """Check that the two agree."""
        require_same_classes(self.train, self.test)
        require_same_pixels(self.train, self.test)

    @property
    def classes(self) -> int:
        """Number of classes of each half; an odd one is left out."""
        return len(self.train.classes) // 2

    @cached_property
    def transform(self) -> Transform:
        """Centre by the mean of the training images."""
        return centred(channel_means(self.train.images))

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of both parts."""
        return {part: getattr(self, part).fingerprint() for part in ("train", "test")}

    def halves(self, seed: int) -> tuple[Half, Half]:
        """A and B, drawn at random."""
        order = np.random.default_rng(seed).permutation(len(self.train.classes))
        return self._half(order[: self.classes]), self._half(order[self.classes : 2 * self.classes])

    def _half(self, drawn: np.ndarray) -> Half:
        number = np.full(len(self.train.classes), -1, np.int32)
        number[np.sort(drawn)] = np.arange(self.classes)
        labels, test_labels = number[self.train.labels], number[self.test.labels]
        here = test_labels >= 0
        positions = np.flatnonzero(labels >= 0)
        return Half(labels, positions, self.test.images[here], test_labels[here])
