"""How well every pixel is classified: the four numbers of Long et al. (CVPR 2015, section 5)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from jtransfer.measure.metrics import confusion_matrix


@dataclass(frozen=True)
class PixelScores:
    """Shares between 0 and 1.

    Attributes:
      pixel_accuracy: of all pixels, those that are right.
      mean_accuracy: of the pixels of a class those that are right, mean over the classes.
      mean_iou: pixels of a class that are right, of those that are of it or are taken for it
        (intersection over union), mean over the classes.
      frequency_weighted_iou: the same, weighted by how many pixels the classes have.
      iou: of each class; NaN for one that has no pixel and is never guessed.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    iou: tuple[float, ...]


def pixel_confusion(
    guesses: ArrayLike, masks: ArrayLike, classes: int, *, ignored: int | None = None
) -> np.ndarray:
    """Count pixels by true and guessed class; the counts of batches and devices add up.

    Args:
      guesses: classes, integers of any shape.
      masks: true classes, of the same shape.
      classes: how many there are.
      ignored: number in the masks of pixels that are not judged, whatever is guessed there.

    Returns:
      [classes, classes] int64; rows are true classes. All zero where no pixel is judged.

    Raises:
      ValueError: if the shapes differ, or a number is no class.
    """
    guessed, true = np.asarray(guesses), np.asarray(masks)
    if guessed.shape != true.shape:
        raise ValueError(
            f"guesses of shape {guessed.shape} for masks of {true.shape}; expected a class for "
            "every pixel. Take the argmax over the classes if these are scores"
        )
    judged = np.ones(true.shape, bool) if ignored is None else true != ignored
    if not judged.any():
        return np.zeros((classes, classes), np.int64)
    return confusion_matrix(guessed[judged], true[judged], classes)


def pixel_scores(confusion: ArrayLike) -> PixelScores:
    """The four numbers of a confusion matrix of pixels.

    A class without a pixel has no accuracy, and no IoU if it is never guessed either; the means
    are over the others. A class that is guessed where there is none has an IoU of 0.

    Args:
      confusion: [classes, classes] counts; rows are true classes.

    Raises:
      ValueError: if it is not square, or counts nothing.
    """
    counts = np.asarray(confusion, np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.sum() > 0:
        raise ValueError(
            f"a matrix of shape {counts.shape} that counts {counts.sum():g} pixels; expected "
            "[classes, classes] and at least one. Judge images whose pixels have classes"
        )
    right, of_class, guessed = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    union = of_class + guessed - right
    there, met = of_class > 0, union > 0
    iou = np.where(met, right / np.where(met, union, 1), np.nan)
    return PixelScores(
        pixel_accuracy=float(right.sum() / counts.sum()),
        mean_accuracy=float((right[there] / of_class[there]).mean()),
        mean_iou=float(iou[met].mean()),
        frequency_weighted_iou=float((of_class[there] * iou[there]).sum() / counts.sum()),
        iou=tuple(iou.tolist()),
    )
