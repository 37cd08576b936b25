"""Which rows of features may be used, and the class of each."""

import numpy as np

from jtransfer.labels import class_numbers


def labelled_rows(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int | None = None,
    present: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows that may be used, and the labels of these.

    Args:
      features: [n, dims], of which nothing is read.
      labels: [n] integers from 0.
      classes: how many there are; None for as many as are named.
      present: [n] bool, as `Features.present`: False where there is no image. None for all.

    Raises:
      ValueError: if they are not as many, or the labels are no numbers of the classes.
    """
    numbers = class_numbers(labels, classes)
    if np.ndim(features) != 2 or len(features) != len(numbers):
        raise ValueError(
            f"features {np.shape(features)} and {len(numbers):,} labels; expected [n, dims] and as "
            "many labels as rows. Give features and labels of the same images, in one order"
        )
    if present is None:
        return np.arange(len(numbers)), numbers
    if np.shape(present) != numbers.shape or np.asarray(present).dtype != bool:
        raise ValueError(
            f"present is {np.asarray(present).dtype} of shape {np.shape(present)}; expected bool "
            f"[{len(numbers)}], whether each row may be used"
        )
    rows = np.flatnonzero(present)
    return rows, numbers[rows]
