"""Intervals of shares of right answers, which hold where all of them are right as well.

Wilson's (Wilson 1927, "Probable inference, the law of succession, and statistical inference") takes
the variance at the ends of the interval and not at the share that was measured, which would leave
none of 50 right out of 50.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_NORMAL = 1.959963984540054  # 97.5% of a normal distribution lies below


class Interval(NamedTuple):
    """A share and its 95% interval."""

    value: float
    low: float
    high: float


def wilson(share: float, count: float) -> Interval:
    """Wilson's 95% interval of a share of `count` independent answers.

    Args:
      share: from 0 to 1.
      count: above 0; need not be whole where it is how many answers of one kind a measurement is
        worth.

    Raises:
      ValueError: if the share or the count is not in range.
    """
    if not (0 <= share <= 1 and count > 0):
        raise ValueError(f"a share of {share} of {count}; expected 0 to 1, of more than none")
    square = _NORMAL**2 / count
    centre = (share + square / 2) / (1 + square)
    half = _NORMAL * np.sqrt((share * (1 - share) + square / 4) / count) / (1 + square)
    # The share lies within, whatever the last digit says.
    low, high = max(0.0, float(centre - half)), min(1.0, float(centre + half))
    return Interval(share, min(share, low), max(share, high))


def mean_accuracy_interval(
    right: ArrayLike, counts: ArrayLike, *, independent: float = 1.0
) -> Interval:
    """The mean accuracy per class and its 95% interval.

    That of `wilson`, with as many answers as have the mean's variance: k^2 / sum(1 / n_c) if all k
    classes were equally hard, or fewer if the measured accuracies p_c say so, p (1 - p) k^2 /
    sum(p_c (1 - p_c) / n_c).

    Args:
      right: [classes], how many of each class were told.
      counts: [classes], of how many; classes without any are left out.
      independent: how many independent answers one of them is worth, see `folds_worth`.

    Raises:
      ValueError: if more are right than there are, or there is none.
    """
    right, counts = np.asarray(right, float), np.asarray(counts, float)
    if right.shape != counts.shape or (right > counts).any() or (right < 0).any():
        raise ValueError(
            f"right {right.tolist()} of {counts.tolist()}; expected as many numbers of each, none "
            "larger than its count"
        )
    there = counts > 0
    right, counts = right[there], counts[there]
    if not counts.size:
        raise ValueError("no class has an example; expected at least one")
    shares = right / counts
    mean = float(shares.mean())
    worth = counts.size**2 / (1 / counts).sum()
    variance = (shares * (1 - shares) / counts).sum() / counts.size**2
    if variance > 0:
        worth = min(worth, mean * (1 - mean) / variance)
    return wilson(mean, float(worth) * independent)


def folds_worth(folds: int) -> float:
    """How many independent answers one of K folds is worth: 1 / (1 + K / (K - 1)).

    Its models learn from almost the same examples, so that their errors go together (Nadeau &
    Bengio 2003, "Inference for the generalization error", section 3, with K trainings and a test
    set of n / K).

    Args:
      folds: K, at least 2.
    """
    return 1 / (1 + folds / (folds - 1))
