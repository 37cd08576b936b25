"""Images with masks to train on, to choose by, and to judge on."""

from dataclasses import dataclass

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.masks import MaskedImages
from jtransfer.measure.segmentation import pixel_confusion

NO_CLASS = 255  # in masks where the data has no number of its own for pixels without a class


@dataclass(frozen=True)
class Problem:
    """Three sets that name the same classes.

    Attributes:
      train: what is trained on.
      val: by which the best step is chosen, and nothing else.
      test: judges and never decides.

    Raises:
      DataError: if they differ in their classes, or in the number of pixels without one.
    """

    train: MaskedImages
    val: MaskedImages
    test: MaskedImages

    def __post_init__(self):
        """Check that masks mean the same in all."""
        for other in (self.val, self.test):
            ours, theirs = ((each.classes, each.ignored) for each in (self.train, other))
            if ours != theirs:
                raise DataError(
                    f"{self.train.name} has the classes {ours[0]} and {ours[1]} where there is "
                    f"none, {other.name} {theirs[0]} and {theirs[1]}; expected the same. Read both "
                    "with the same classes and ignored"
                )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.train.classes

    @property
    def ignored(self) -> int:
        """Number of the pixels without a class, whether or not there are any."""
        return NO_CLASS if self.train.ignored is None else self.train.ignored


def confusion_of(guesses: np.ndarray, masked: MaskedImages) -> np.ndarray:
    """Pixels by true and guessed class: [classes, classes] int64.

    Args:
      guesses: classes [n, height, width] uint8.
      masked: the images that they are of.
    """
    classes, total = len(masked.classes), 0
    # Image by image: pixels are many, and all their pairs at once would be many times as large.
    for guess, mask in zip(guesses, masked.masks, strict=True):
        total = total + pixel_confusion(guess, mask, classes, ignored=masked.ignored)
    return np.asarray(total)
