"""How right a model is on images of which each half judges what the other half chose."""

import numpy as np

from jtransfer.measure.calibration import probabilities_of, reliability
from jtransfer.measure.intervals import mean_accuracy_interval, wilson
from jtransfer.measure.metrics import mean_per_class_accuracy
from jtransfer.recipes.own_folder.estimate import Estimate, calibrated_by

_HOW = (
    "A fold of the images was judged by a net that was fine-tuned on the others. What was chosen "
    "by them (temperature, threshold, whether to fine-tune) was chosen on half of them and judged "
    "on the other half, and the other way round. The model itself learned from all the images. 95% "
    "interval by Wilson's formula."
)


def estimate_of_halves(
    scores: np.ndarray,
    others: np.ndarray,
    labels: np.ndarray,
    classes: int,
    precision: float,
    *,
    at_par: bool = False,
) -> tuple[Estimate, bool]:
    """Judge each half of some images by what the other half chose.

    Args:
      scores: [n, classes] of images that their model did not see.
      others: the same of another model.
      labels: [n] integers.
      classes: how many there are.
      precision: to be kept by the sure guesses.
      at_par: which is taken where both are as good: the scores' model, or the other one.

    Returns:
      The estimate, and whether the scores' model is the better one on all of them.
    """

    def better(rows: np.ndarray) -> bool:
        """Whether more are right by the scores than by the others, averaged over the classes."""
        own, other = (
            mean_per_class_accuracy(each[rows].argmax(axis=1), labels[rows], classes)
            for each in (scores, others)
        )
        return own > other or (at_par and own == other)

    plain, probabilities = np.zeros((2, len(labels), classes))
    sure = np.zeros(len(labels), bool)
    # Every other one of each class.
    first = np.argsort(np.argsort(labels, kind="stable"), kind="stable") % 2 == 0
    for own, judged in ((first, ~first), (~first, first)):
        taken = scores if better(own) else others
        found = calibrated_by(taken[own], labels[own], precision)
        plain[judged] = probabilities_of(taken[judged])
        probabilities[judged] = probabilities_of(taken[judged], found.temperature)
        sure[judged] = probabilities[judged].max(axis=1) >= found.threshold
    right = probabilities.argmax(axis=1) == labels
    counts = np.bincount(labels, minlength=classes)
    rights = np.bincount(labels, right, minlength=classes)
    judged_as = Estimate(
        accuracy=mean_accuracy_interval(rights, counts),
        of_classes=tuple(wilson(r / n, n) for r, n in zip(rights, counts.tolist(), strict=True)),
        counts=tuple(counts.tolist()),
        remaining=1.0,
        before=reliability(plain, labels),
        after=reliability(probabilities, labels),
        precision=wilson(float(right[sure].mean()), sure.sum()) if sure.any() else None,
        sure=float(sure.mean()),
        probabilities=probabilities,
        how=_HOW,
    )
    return judged_as, better(np.ones(len(labels), bool))
