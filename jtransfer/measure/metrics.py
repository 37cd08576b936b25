"""How often a classifier is right, and how much of the gap between domains a method closes."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Share of the examples whose predicted class is the true one.

    Args:
      predictions: predicted classes, [n] integers.
      labels: true classes, [n] integers.

    Returns:
      A number between 0 and 1.

    Raises:
      ValueError: if the two are not integer vectors of one length, or are empty.
    """
    predicted, true = _checked(predictions, labels)
    return float(np.mean(predicted == true))


def mean_per_class_accuracy(predictions: ArrayLike, labels: ArrayLike, num_classes: int) -> float:
    """Mean over the classes of the accuracy within the class: every class weighs the same.

    A class without a true example has no accuracy and is left out of the mean, which then is over
    fewer than `num_classes`; where it is predicted, the true class has an example wrong. So numbers
    of test sets that lack different classes do not compare.

    Args:
      predictions: predicted classes, [n] integers.
      labels: true classes, [n] integers.
      num_classes: how many classes there are; both vectors stay below it.

    Returns:
      A number between 0 and 1.

    Raises:
      ValueError: as `confusion_matrix`.
    """
    matrix = confusion_matrix(predictions, labels, num_classes)
    examples = matrix.sum(axis=1)
    present = examples > 0
    return float(np.mean(np.diagonal(matrix)[present] / examples[present]))


def confusion_matrix(
    predictions: ArrayLike, labels: ArrayLike, num_classes: int
) -> NDArray[np.int64]:
    """Count the examples by true and predicted class.

    Args:
      predictions: predicted classes, [n] integers.
      labels: true classes, [n] integers.
      num_classes: how many classes there are; both vectors stay below it.

    Returns:
      [num_classes, num_classes] int64; rows are true classes, columns predicted ones.

    Raises:
      ValueError: if the two are not integer vectors of one length, are empty, or hold a class
        outside of 0 .. num_classes - 1.
    """
    predicted, true = _checked(predictions, labels)
    for name, values in (("predictions", predicted), ("labels", true)):
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= num_classes:
            raise ValueError(
                f"{name} hold class {low if low < 0 else high}, but num_classes={num_classes} "
                f"allows 0 to {num_classes - 1}; give the number of classes that the labels have"
            )
    # One bin a (true, predicted) pair: a single pass, where np.add.at would be many times slower.
    pairs = true.astype(np.int64) * num_classes + predicted.astype(np.int64)
    counts = np.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def gap_closed(source_only: float, method: float, target: float) -> float:
    """Share of the gap between training on the source and on the target that a method closes.

    (method - source_only) / (target - source_only), the percentage in brackets in the tables of
    Ganin and Lempitsky, ICML 2015 (section 4): 0 is no better than the source-only net, 1 as good
    as training on labelled target examples, below 0 is a method that does harm.

    Args:
      source_only: accuracy of the net trained on the source alone (the lower bound).
      method: accuracy of the method, in the same unit.
      target: accuracy of the net trained on labelled target examples (the upper bound).

    Raises:
      ValueError: if a number is not finite, or `target` is not above `source_only`.
    """
    given = {"source_only": source_only, "method": method, "target": target}
    for name, value in given.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}, expected a finite accuracy; check that run")
    if target <= source_only:
        raise ValueError(
            f"there is no gap to close: training on the target gives {target}, source only gives "
            f"{source_only}; expected target > source_only, check the order of the arguments"
        )
    return (method - source_only) / (target - source_only)


def _checked(predictions: ArrayLike, labels: ArrayLike) -> tuple[NDArray, NDArray]:
    predicted, true = np.asarray(predictions), np.asarray(labels)
    for name, values in (("predictions", predicted), ("labels", true)):
        if values.ndim != 1:
            raise ValueError(
                f"{name} have shape {values.shape}, expected one class number an example, [n]; "
                f"take the argmax over the classes if these are scores"
            )
        # First emptiness: an empty list becomes a float array, whose type would mislead.
        if not len(values):
            raise ValueError(f"{name} are empty, expected at least one example; check the split")
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError(
                f"{name} are {values.dtype}, expected integers (class numbers); convert them with "
                f"astype(int) if they are whole"
            )
    if len(predicted) != len(true):
        raise ValueError(
            f"{len(predicted)} predictions for {len(true)} labels, expected as many; "
            f"predict each labelled example once"
        )
    return predicted, true
