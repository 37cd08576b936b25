"""How much the pixels of a class count, so that rare classes are learned too."""

from typing import Literal

import numpy as np

ClassWeights = Literal["none", "inverse", "median"]


def class_weights(
    masks: np.ndarray, classes: int, kind: ClassWeights, *, ignored: int | None = None
) -> np.ndarray:
    """A weight for every class; one that no mask shows weighs 0, as nothing depends on it.

    Args:
      masks: [n, height, width] integers, of the training images.
      classes: how many there are.
      kind: "none": all weigh 1. "inverse": 1 / frequency, of mean 1 over the classes that are
        there. "median": the median frequency divided by the class's (Eigen & Fergus, ICCV 2015,
        section 6.3.2), where a class's frequency is its share of the pixels of those images in
        which it is seen at all.
      ignored: number of pixels without a class, which count nowhere.

    Returns:
      [classes] float32.

    Raises:
      ValueError: if a mask holds a number that is neither a class nor `ignored`, or no pixel has a
        class.
    """
    counts = np.zeros((len(masks), classes), np.int64)
    for row, mask in enumerate(masks):
        numbers = mask if ignored is None else mask[mask != ignored]
        if numbers.size and not 0 <= int(numbers.min()) <= int(numbers.max()) < classes:
            raise ValueError(
                f"mask {row} holds {int(numbers.min())} to {int(numbers.max())}; expected classes "
                f"0 to {classes - 1}"
                + ("" if ignored is None else f", or {ignored} where there is none")
            )
        counts[row] = np.bincount(numbers.ravel(), minlength=classes)
    there = counts.any(axis=0)
    if not there.any():
        raise ValueError("no pixel of the masks has a class; expected some. Give other masks")
    if kind == "none":
        return np.asarray(there, np.float32)
    if kind == "inverse":
        frequency = counts.sum(axis=0) / counts.sum()
        weights = np.where(there, 1 / np.where(there, frequency, 1), 0)
        return np.asarray(weights / weights[there].mean(), np.float32)
    seen_with = (counts > 0).T @ counts.sum(axis=1)
    frequency = counts.sum(axis=0) / np.maximum(seen_with, 1)
    middle = np.median(frequency[there])
    return np.asarray(np.where(there, middle / np.where(there, frequency, 1), 0), np.float32)
