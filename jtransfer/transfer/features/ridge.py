"""Ridge regression as a classifier, its penalty chosen by leaving out one example at a time.

One eigendecomposition gives the solutions of every penalty, and the scores that each example would
have got from the model fitted without it (Hastie, Tibshirani & Friedman, "The elements of
statistical learning", equation 7.52; Rifkin & Lippert 2007, "Notes on regularized least squares").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.measure import mean_per_class_accuracy
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.probe import LinearProbe, check_examples

# Relative to the largest: directions with a smaller variance are rounding.
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class RidgeChoice:
    """What leaving out one example at a time chose.

    Attributes:
      penalty: of the best score, the largest among equals.
      probe: fitted to all the examples with it.
      scores: mean accuracy per class [penalties] on the examples left out, penalties descending.
    """

    penalty: float
    probe: LinearProbe
    scores: np.ndarray


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
    examples = jnp.asarray(features, jnp.float32)
    targets = jax.nn.one_hot(jnp.asarray(labels), classes)
    parts = _decompose(examples, targets)
    guesses = np.asarray(_left_out(parts, targets, jnp.asarray(descending, jnp.float32)))
    scores = np.array([mean_per_class_accuracy(each, labels, classes) for each in guesses])
    best = int(scores.argmax())
    probe = _solve(examples, targets, parts, descending[best])
    return RidgeChoice(float(descending[best]), probe, scores)


def _decompose(examples, targets):
    """Variances s and directions U [n, rank] of the centred examples, and U^T Y."""
    centred = examples - examples.mean(axis=0, keepdims=True)
    if len(examples) <= examples.shape[1]:
        variances, directions = jnp.linalg.eigh(product(centred, centred.T))
        keep = np.asarray(variances > _LEAST_VARIANCE * variances[-1])
        variances, directions = variances[keep], directions[:, keep]
    else:
        variances, axes = jnp.linalg.eigh(product(centred.T, centred))
        keep = np.asarray(variances > _LEAST_VARIANCE * variances[-1])
        variances = variances[keep]
        directions = product(centred, axes[:, keep]) / jnp.sqrt(variances)[None]
    return variances, directions, product(directions.T, targets)


@jax.jit
def _left_out(parts, targets, penalties):
    """Classes [penalties, n] of each example by the model fitted without it."""
    variances, directions, projected = parts
    mean = targets.mean(axis=0, keepdims=True)

    def classify(penalty):
        shrunk = (variances / (variances + penalty))[:, None]
        fitted = mean + product(directions, shrunk * projected)
        leverage = 1 / len(targets) + product(directions**2, shrunk)
        # What the left-out model misses by is the residual divided by 1 - leverage.
        return (targets - (targets - fitted) / (1 - leverage)).argmax(axis=1)

    return jax.lax.map(classify, penalties)


@jax.jit
def _solve(examples, targets, parts, penalty):
    variances, directions, projected = parts
    mean = examples.mean(axis=0, keepdims=True)
    coefficients = product(directions, projected / (variances + penalty)[:, None])
    # The coefficients sum to zero, so that X^T a is the centred examples' as well.
    weights = product((examples - mean).T, coefficients)
    bias = targets.mean(axis=0) - product(mean, weights)[0]
    return LinearProbe(weights, bias, jnp.zeros(()))
