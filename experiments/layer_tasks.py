"""Data sets whose classes are split into halves A and B, to see which layers transfer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from jtransfer.data import Examples, images, load, require_same_classes
from jtransfer.data.feeds.resident import Transform, centred, channel_means
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.small import DIGIT_SIZE, digit_net, sign_net


@dataclass(frozen=True)
class Task:
    """A data set and the net that is used on it.

    Attributes:
      data: name of the data set.
      size: side of the images in pixels.
      net: makes a net of so many classes.
      steps: of every net's training.
      seen: what was decided after a look at the test accuracy, for the report.
    """

    data: str
    size: int
    net: Callable[..., Classifier]
    steps: int
    seen: str


TASKS = {
    "digits": Task("sklearn:digits", DIGIT_SIZE, digit_net, 300, seen="nothing"),
    "signs": Task(
        "npz:gtsrb32",
        32,
        sign_net,
        1500,
        seen="the data set (signs, after a trial of 500 steps with one split beside one of MNIST's "
        "digits)",
    ),
}


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
class Problem:
    """A data set at one size.

    Attributes:
      train: the training examples.
      test: the test examples.
    """

    train: Examples
    test: Examples

    @classmethod
    def load(cls, task: Task, data_root: Path | None) -> "Problem":
        """Load a task's data and fit the images to [n, size, size, channels]."""
        train, test = (load(task.data, split, data_root=data_root) for split in ("train", "test"))
        require_same_classes(train, test)
        channels = train.images.shape[-1]
        return cls(*(images.fit(each, size=task.size, channels=channels) for each in (train, test)))

    @property
    def classes(self) -> int:
        """Number of classes of each half; an odd one is left out."""
        return len(self.train.classes) // 2

    @cached_property
    def transform(self) -> Transform:
        """Centre by the mean of the training images."""
        return centred(channel_means(self.train.images))

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
