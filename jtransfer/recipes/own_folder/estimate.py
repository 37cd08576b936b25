"""How right a model will be on new images, by what was chosen without seeing the judging ones."""

from dataclasses import dataclass

import numpy as np

from jtransfer.measure.calibration import (
    Reliability,
    fit_temperature,
    probabilities_of,
    reliability,
    threshold_for,
)
from jtransfer.measure.intervals import (
    Interval,
    folds_worth,
    mean_accuracy_interval,
    wilson,
)
from jtransfer.recipes.own_folder.choice import Chosen, Nested, seen_by

HOW = (
    "Every image was judged by a model that neither saw it nor was chosen by it: layer, probe, "
    "penalty, temperature and threshold were chosen anew without each fold. The error is "
    "multiplied by what remains of it, by the learning curve, when the fold is learned too. "
    "95% interval by Wilson's formula, its width for folds by Nadeau and Bengio's"
)


@dataclass(frozen=True)
class Calibrated:
    """What makes probabilities of scores, and tells which guesses are sure.

    Attributes:
      temperature: that scores are divided by.
      threshold: the probability of a guess from which on it is sure.
      precision: share of right guesses among the sure ones that was asked for.
    """

    temperature: float
    threshold: float
    precision: float


@dataclass(frozen=True, eq=False)
class Estimate:
    """How right a model made in this way is on images that it did not see.

    Attributes:
      accuracy: mean accuracy per class, see `mean_accuracy_interval`; as all accuracies here, of a
        model of all the images, see `remaining_error`.
      of_classes: accuracy of each class, see `wilson`.
      remaining: factor on the judges' errors for the images that they lacked.
      counts: images of each class.
      before: reliability of the scores' softmax as it is.
      after: the same at the temperature.
      precision: share of right guesses among the sure ones; None where none is sure.
      sure: share of guesses that are sure.
      probabilities: [n, classes] of every image that was judged, by a model that did not see it.
      how: it came about.
    """

    accuracy: Interval
    of_classes: tuple[Interval, ...]
    counts: tuple[int, ...]
    remaining: float
    before: Reliability
    after: Reliability
    precision: Interval | None
    sure: float
    probabilities: np.ndarray
    how: str


def calibrate(
    chosen: Chosen, folds: np.ndarray, labels: np.ndarray, precision: float, without: int | None
) -> Calibrated:
    """Temperature and threshold from the held-out scores that a choice was made by.

    Args:
      chosen: what was chosen.
      folds: [n].
      labels: [n].
      precision: to be kept by the sure guesses.
      without: the fold that it was chosen without, or None.
    """
    return calibrated_by(*seen_by(chosen.scores, folds, labels, without), precision)


def calibrated_by(scores: np.ndarray, own: np.ndarray, precision: float) -> Calibrated:
    """Temperature and threshold from scores [n, classes] of images with labels [n]."""
    temperature = fit_temperature(scores, own)
    threshold = threshold_for(probabilities_of(scores, temperature), own, precision)
    return Calibrated(temperature, threshold, precision)


def estimate(nested: Nested, labels: np.ndarray, precision: float) -> Estimate:
    """Judge the choosing: every fold by what was chosen and calibrated without it.

    Args:
      nested: the choices.
      labels: [n] integers.
      precision: to be kept by the sure guesses.
    """
    folds = nested.folds
    classes = nested.whole.scores.shape[-1]
    plain, probabilities = np.zeros((2, len(labels), classes))
    sure = np.zeros(len(labels), bool)
    smaller = np.zeros(len(labels))
    for fold, chosen in enumerate(nested.without):
        rows = folds == fold
        found = calibrate(chosen, folds, labels, precision, fold)
        scores = chosen.scores[rows, fold]
        plain[rows] = probabilities_of(scores)
        probabilities[rows] = probabilities_of(scores, found.temperature)
        sure[rows] = probabilities[rows].max(axis=1) >= found.threshold
        others = np.delete(chosen.scores[rows], fold, axis=1).argmax(axis=2)
        smaller[rows] = (others == labels[rows, None]).mean(axis=1)
    right = probabilities.argmax(axis=1) == labels
    counts = np.bincount(labels, minlength=classes)
    there = np.maximum(counts, 1)
    errors = np.bincount(labels, ~right, minlength=classes) / there
    errors_of_less = np.bincount(labels, 1 - smaller, minlength=classes) / there
    remaining = remaining_error(
        float(errors_of_less.mean()), float(errors.mean()), len(nested.without)
    )
    rights = counts * (1 - remaining * errors)
    worth = folds_worth(len(nested.without))
    return Estimate(
        accuracy=mean_accuracy_interval(rights, counts, independent=worth),
        of_classes=tuple(
            wilson(r / n, worth * n) for r, n in zip(rights, counts.tolist(), strict=True)
        ),
        counts=tuple(counts.tolist()),
        remaining=remaining,
        before=reliability(plain, labels),
        after=reliability(probabilities, labels),
        precision=wilson(float(right[sure].mean()), worth * sure.sum()) if sure.any() else None,
        sure=float(sure.mean()),
        probabilities=probabilities,
        how=f"{HOW}; {len(nested.without)} folds.",
    )


def remaining_error(of_less: float, of_more: float, folds: int) -> float:
    """What remains of the error of models without a fold when they see that fold as well.

    Errors fall as a power of the number of images (Cortes et al. 1994, "Learning curves: asymptotic
    values and rate of convergence"). From models without two of K folds to those without one they
    fall by a factor; that factor to the power log(K / (K - 1)) / log((K - 1) / (K - 2)) is the next
    one. It is not above 1: more images do no harm.

    Args:
      of_less: error of models without two folds.
      of_more: error, on the same images, of models without one.
      folds: K, at least 3.
    """
    if not 0 < of_more < of_less:
        return 1.0
    power = np.log(folds / (folds - 1)) / np.log((folds - 1) / (folds - 2))
    return float((of_more / of_less) ** power)
