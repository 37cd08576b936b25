"""Ridge regression as a classifier, its penalty chosen by leaving out one example at a time.

One singular value decomposition gives the solutions of every penalty, and the scores that each
example would have got from the model fitted without it (Hastie, Tibshirani & Friedman, "The
elements of statistical learning", equation 7.52; Rifkin & Lippert 2007, "Notes on regularized
least squares"). It is in float64 on the host, so that penalties far below the largest variance
count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jtransfer.measure import mean_per_class_accuracy
from jtransfer.transfer.features.probe import LinearProbe, check_examples


@dataclass(frozen=True)
class RidgeChoice:
    """What leaving out one example at a time chose.

    Attributes:
      penalty: of the best score, the largest among equals.
      probe: fitted to all the examples with it.
      scores: mean accuracy per class [penalties] on the examples left out, over the classes that
        the labels hold, penalties descending.
      held_out: scores [n, classes] of each example by the model with that penalty that was fitted
        without it.
    """

    penalty: float
    probe: LinearProbe
    scores: np.ndarray
    held_out: np.ndarray


def fit_ridge(
    features: np.ndarray, labels: np.ndarray, penalties: Sequence[float], *, classes: int
) -> RidgeChoice:
    """Minimise |X W + b - Y|^2 + penalty |W|^2, where Y is 1 for an example's class and else 0.

    The objective of scikit-learn's Ridge, the bias unpenalised.

    Args:
      features: [n, dims] float32.
      labels: [n] integers from 0 to classes - 1.
      penalties: to choose from.
      classes: how many there are.

    Raises:
      ValueError: if features, labels or penalties cannot be used.
    """
    descending = np.sort(np.asarray(penalties, np.float64))[::-1]
    if not (descending.size and (descending > 0).all() and np.isfinite(descending).all()):
        raise ValueError(
            f"penalties are {list(penalties)}; expected positive finite numbers, at least one"
        )
    check_examples(features, labels, classes)
    examples = np.asarray(features, np.float64)
    targets = np.eye(classes)[np.asarray(labels)]
    mean, shares = examples.mean(axis=0), targets.mean(axis=0)
    directions, lengths, axes = np.linalg.svd(examples - mean, full_matrices=False)
    # Shorter ones are rounding (the rule of `np.linalg.matrix_rank`).
    rank = int((lengths > max(examples.shape) * np.finfo(float).eps * lengths[0]).sum())
    directions, lengths, axes = directions[:, :rank], lengths[:rank], axes[:rank]
    variances, projected = lengths**2, directions.T @ targets

    # Of the targets and of each example's leverage, what no direction accounts for.
    beyond = targets - shares - directions @ projected
    outside = np.maximum(1 - 1 / len(examples) - (directions**2).sum(axis=1), 0)[:, None]

    def held_out(penalty: float) -> np.ndarray:
        """Scores of each example by the model fitted without it."""
        # Residual and 1 - leverage add up what is left of each direction: what is taken, taken off
        # again, would be rounding where the penalty is small.
        left = (penalty / (variances + penalty))[:, None]
        residual = beyond + directions @ (left * projected)
        return targets - residual / (outside + directions**2 @ left)

    scores = [
        mean_per_class_accuracy(held_out(penalty).argmax(axis=1), labels, classes)
        for penalty in descending
    ]
    best = int(np.argmax(scores))

    penalty = descending[best]
    weights = axes.T @ (projected * (lengths / (variances + penalty))[:, None])
    bias = shares - mean @ weights
    probe = LinearProbe(*(jnp.asarray(each, jnp.float32) for each in (weights, bias, 0.0)))
    return RidgeChoice(float(penalty), probe, np.array(scores), held_out(penalty))
