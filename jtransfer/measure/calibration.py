"""Probabilities that mean what they say: temperature, calibration error, and when to be unsure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_COLDEST, _HOTTEST = -12.0, 12.0  # logarithms of the temperatures that are looked through


@dataclass(frozen=True, eq=False)
class Reliability:
    """Examples by the probability of their guess, in bins of equal width that are not empty.

    Attributes:
      confidence: [bins], mean probability of the guess.
      accuracy: [bins], share of right guesses.
      count: [bins], how many.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """The expected calibration error: mean of |accuracy - confidence|, by the counts."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float((gaps * self.count).sum() / self.count.sum())


def probabilities_of(scores: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Softmax of scores [n, classes] divided by a temperature."""
    logits = np.asarray(scores, np.float64) / temperature
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def log_loss(scores: ArrayLike, labels: ArrayLike, temperature: float = 1.0) -> float:
    """Mean cross-entropy of scores [n, classes] over a temperature, the targets as Platt's.

    The class of each of n examples has not 1 but (n + 1) / (n + 2), and the k - 1 others share what
    is left: Platt's targets (1999, "Probabilistic outputs for support vector machines", section
    2.2), as if one more example were right and one more wrong. Without them a temperature of 0
    would be best where all are right.
    """
    logits = np.asarray(scores, np.float64) / temperature
    n, classes = logits.shape
    logits = logits - logits.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    own = logs[np.arange(n), np.asarray(labels)]
    others = (logs.sum(axis=1) - own) / (classes - 1)
    return float(-((n + 1) * own + others).mean() / (n + 2))


def fit_temperature(scores: ArrayLike, labels: ArrayLike) -> float:
    """The temperature that scores are divided by so that their softmax is a probability.

    It minimises `log_loss` of examples that the scores' model was not fitted to (Guo et al. 2017,
    "On calibration of modern neural networks", section 4.2, but for the targets).

    Args:
      scores: [n, classes], logits or any other that are larger for likelier classes.
      labels: [n] integers.

    Raises:
      ValueError: if they do not fit each other, or a score is not finite.
    """
    from scipy.optimize import minimize_scalar

    scores = _checked(scores, labels)
    spread = float(scores.std()) or 1.0  # where the search begins, whatever the scores' unit
    found = minimize_scalar(
        lambda log: log_loss(scores, labels, spread * np.exp(log)),
        bounds=(_COLDEST, _HOTTEST),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(spread * np.exp(found.x))


def reliability(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = 15) -> Reliability:
    """Compare how sure the guesses are with how many are right.

    Args:
      probabilities: [n, classes].
      labels: [n] integers.
      bins: of equal width between 0 and 1 (15 as in Guo et al. 2017, section 2).

    Raises:
      ValueError: as `fit_temperature`, or without a bin.
    """
    probabilities = _checked(probabilities, labels)
    if bins < 1:
        raise ValueError(f"{bins} bins; expected at least 1")
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(labels)
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(number, minlength=bins)
    there = count > 0
    sums = [np.bincount(number, each, minlength=bins)[there] for each in (confidence, right)]
    return Reliability(sums[0] / count[there], sums[1] / count[there], count[there])


def threshold_for(probabilities: ArrayLike, labels: ArrayLike, precision: float) -> float:
    """The lowest probability of a guess from which on guesses have a precision.

    Args:
      probabilities: [n, classes] of examples that the model was not fitted to.
      labels: [n] integers.
      precision: share of right guesses among those at or above the threshold.

    Returns:
      0 where all guesses together have it; above 1, so that no guess is sure, where none has.

    Raises:
      ValueError: as `fit_temperature`, or if the precision is not between 0 and 1.
    """
    probabilities = _checked(probabilities, labels)
    if not 0 < precision <= 1:
        raise ValueError(f"a precision of {precision}; expected above 0 and at most 1")
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == np.asarray(labels))[order]
    sure = confidence[order]
    kept = np.cumsum(right) / np.arange(1, len(right) + 1) >= precision
    kept[:-1] &= sure[:-1] > sure[1:]  # equals are in or out together
    if kept[-1]:
        return 0.0
    if not kept.any():
        return 2.0
    last = int(np.flatnonzero(kept)[-1])
    return float((sure[last] + sure[last + 1]) / 2)


def _checked(scores: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not labels.size:
        raise ValueError(
            f"scores {scores.shape} and labels {labels.shape}; expected [n, classes] and [n]"
        )
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite; expected finite numbers")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(
            f"labels from {labels.min()} to {labels.max()}; expected 0 to {scores.shape[1] - 1}"
        )
    return scores
