"""Linear classifiers on frozen features: SVM and softmax over a whole grid of C at once.

Both minimise an L2 penalty plus C times a loss, so the weights are combinations of the training
features: w = X^T a. Everything but the last product needs the Gram matrix X X^T alone, whatever the
number of features, and all classes, folds and columns of a grid share its products (Chapelle 2007,
"Training a support vector machine in the primal", sections 3 and 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.measure import mean_per_class_accuracy
from jtransfer.transfer.features import require_finite

Kind = Literal["svm", "softmax"]
# Folds with their examples to train on and to validate on, as positions.
Folds = Sequence[tuple[np.ndarray, np.ndarray]]

_LINE_STEPS = 6  # of Newton's method along a direction
# Of a classifier that is kept: its excess, and the most iterations.
_TOLERANCE, _MOST = 1e-5, 1000
_product = partial(jnp.matmul, precision="highest")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier.

    Attributes:
      weights: [dims, classes].
      bias: [classes].
      excess: how far its objective is above the minimum at most, as a share of it: half the squared
        norm of the gradient, which bounds it for the SVM (the objective is 1-strongly convex) and
        estimates it for the softmax, whose bias is not penalised.
    """

    weights: jax.Array
    bias: jax.Array
    excess: jax.Array

    def decision(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Scores [n, classes] of features [n, dims]."""
        return _product(jnp.asarray(features), self.weights) + self.bias[None]

    def predict(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Classes [n] of features [n, dims]."""
        return self.decision(features).argmax(axis=-1)


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose.

    Attributes:
      C: of the best mean score, the smallest among equals.
      probe: fitted to all the examples with it.
      scores: mean accuracy per class [penalties, folds] on the folds' validation examples.
      excess: largest excess of the folds' classifiers, as `LinearProbe.excess`.
      iterations: products with the Gram matrix at each C.
    """

    C: float
    probe: LinearProbe
    scores: np.ndarray
    excess: float
    iterations: np.ndarray


def fit_svm(
    features: np.ndarray,
    labels: np.ndarray,
    C: float,
    *,
    classes: int,
    tolerance: float = _TOLERANCE,
    most: int = _MOST,
) -> LinearProbe:
    """One-vs-rest linear SVMs: 1/2 |(w, b)|^2 + C sum max(0, 1 - y (w x + b))^2 for each class.

    The objective of liblinear's and scikit-learn's LinearSVC (Fan et al., JMLR 2008).

    Args:
      features: [n, dims] float32.
      labels: [n] integers from 0 to classes - 1.
      C: weight of the loss.
      classes: how many there are.
      tolerance: excess (see `LinearProbe`) at which to stop.
      most: iterations after which to stop anyway.

    Raises:
      ValueError: if features, labels or C cannot be used.
    """
    return _fit(features, labels, C, "svm", classes, tolerance, most)


def fit_softmax(
    features: np.ndarray,
    labels: np.ndarray,
    C: float,
    *,
    classes: int,
    tolerance: float = _TOLERANCE,
    most: int = _MOST,
) -> LinearProbe:
    """Multinomial logistic regression: 1/2 |W|^2 + C sum cross-entropy, the bias unpenalised.

    The objective of scikit-learn's LogisticRegression. Arguments and errors as for `fit_svm`.
    """
    return _fit(features, labels, C, "softmax", classes, tolerance, most)


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    penalties: Sequence[float],
    folds: Folds,
    *,
    kind: Kind,
    classes: int,
    tolerance: float = 1e-4,
    most: int = 300,
) -> Choice:
    """Choose C by the mean accuracy per class on folds, and fit a classifier with it to all.

    All penalties, folds and classes are solved in one program.

    Args:
      features: [n, dims] float32.
      labels: [n] integers.
      penalties: values of C.
      folds: positions to train on and to validate on; each with examples of every class.
      kind: "svm" or "softmax".
      classes: how many there are.
      tolerance: of the folds' classifiers, as for `fit_svm`; the last one has that one's own.
      most: likewise.

    Raises:
      ValueError: as `fit_svm`, or naming a fold that lacks a class.
    """
    ordered = sorted(float(C) for C in penalties)
    Cs = np.array(ordered, np.float32)
    _check(features, labels, Cs, classes)
    trained = np.zeros((len(labels), len(folds)), np.float32)
    for number, (train, validation) in enumerate(folds):
        for name, part in (("train on", train), ("validate on", validation)):
            lacking = np.setdiff1d(np.unique(labels), labels[part])
            if lacking.size:
                raise ValueError(
                    f"fold {number} has no example of class {lacking[0]} to {name}; expected one "
                    "of every class. Stratify the folds, or take fewer"
                )
        trained[train, number] = 1
    examples = jnp.asarray(features, jnp.float32)
    gram = _gram(examples)
    _, _, guesses, excess, iterations = _path(
        gram, _one_hot(labels, classes), jnp.asarray(trained), Cs, tolerance, most, kind=kind
    )
    guesses = np.asarray(guesses)
    accuracies = np.array(
        [
            [
                mean_per_class_accuracy(guesses[c, validation, number], labels[validation], classes)
                for number, (_, validation) in enumerate(folds)
            ]
            for c in range(len(Cs))
        ]
    )
    best = int(accuracies.mean(axis=1).argmax())
    probe = _solve(examples, gram, labels, Cs[best : best + 1], kind, classes, _TOLERANCE, _MOST)
    return Choice(ordered[best], probe, accuracies, float(excess.max()), np.asarray(iterations))


def _fit(features, labels, C, kind, classes, tolerance, most) -> LinearProbe:
    Cs = np.array([C], np.float32)
    _check(features, labels, Cs, classes)
    features = jnp.asarray(features, jnp.float32)
    return _solve(features, _gram(features), labels, Cs, kind, classes, tolerance, most)


def _solve(features, gram, labels, Cs, kind, classes, tolerance, most) -> LinearProbe:
    """One classifier of all the examples, whose Gram matrix is at hand."""
    everyone = jnp.ones((len(labels), 1))
    coefficients, bias, _, excess, _ = _path(
        gram, _one_hot(labels, classes), everyone, Cs, tolerance, most, kind=kind
    )
    weights = _product(features.T, coefficients[0, :, 0])
    return LinearProbe(weights, bias[0, 0, 0], excess.max())


def _check(features, labels, Cs, classes) -> None:
    if np.ndim(features) != 2 or np.shape(labels) != np.shape(features)[:1]:
        raise ValueError(
            f"features {np.shape(features)} and labels {np.shape(labels)}; expected [n, dims] and "
            "[n]"
        )
    require_finite(features)
    there = np.unique(labels)
    if there[0] < 0 or there[-1] >= classes or len(there) < 2:
        raise ValueError(
            f"labels from {there[0]} to {there[-1]}, {len(there)} of them different; expected "
            f"numbers from 0 to {classes - 1}, at least two of them"
        )
    if not (len(Cs) and (Cs > 0).all() and np.isfinite(Cs).all()):
        raise ValueError(f"C is {Cs.tolist()}; expected positive finite numbers, at least one")


def _one_hot(labels, classes) -> jax.Array:
    return jax.nn.one_hot(jnp.asarray(labels), classes)


@jax.jit
def _gram(features):
    return _product(features, features.T)


class _Search(NamedTuple):
    """Conjugate gradients at one C; arrays [n, folds, classes], biases [1, folds, classes]."""

    a: jax.Array  # coefficients of the training features
    bias: jax.Array
    scores: jax.Array  # K a + bias
    a_way: jax.Array  # the direction of each of the three
    bias_way: jax.Array
    scores_way: jax.Array
    slope: jax.Array  # of the objective by K^-1, at the step before
    bias_slope: jax.Array
    squared: jax.Array  # norm of the slope
    excess: jax.Array
    iterations: jax.Array


@partial(jax.jit, static_argnames="kind")
def _path(gram, targets, trained, Cs, tolerance, most, *, kind):
    """Solve for every C in turn, each from the solution of the one before.

    The metric of the descent is that of the weights, so its slope is a + C dloss/dscores, and one
    product with the Gram matrix an iteration moves everything (Polak-Ribiere, restarted where it
    does not descend, with an exact search along the way).

    Returns:
      a [Cs, n, folds, classes], bias [Cs, 1, folds, classes], predicted classes [Cs, n, folds],
      excess [Cs, folds, classes or 1], iterations [Cs].
    """
    n, classes = targets.shape
    folds = trained.shape[1]
    svm = kind == "svm"
    y = targets[:, None, :]
    mask = trained[:, :, None]
    # The SVM's classes are problems of their own; the softmax's are one.
    over = (0,) if svm else (0, 2)
    total = partial(jnp.sum, axis=over, keepdims=True)

    def times_gram(a):
        return _product(gram, a.reshape(n, -1)).reshape(a.shape)

    def losses(scores):
        """Loss, its slope and the factors of its curvature, of every example."""
        if svm:
            sign = 2 * y - 1
            short = jnp.maximum(0, 1 - sign * scores) * mask
            return short**2, -2 * sign * short
        logs = jax.nn.log_softmax(scores, axis=-1)
        return -(logs * y).sum(-1, keepdims=True) * mask, (jnp.exp(logs) - y) * mask

    def bend(scores, way):
        """Second derivative of the loss along a way."""
        if svm:
            return total(2 * ((2 * y - 1) * scores < 1) * way**2 * mask)
        p = jax.nn.softmax(scores, axis=-1)
        mean = (p * way).sum(-1, keepdims=True)
        return total(p * (way - mean) ** 2 * mask)

    def solve(start, C):
        a, bias = start
        # Of the unpenalised bias of the softmax: about the inverse of its curvature.
        scale = 1.0 if svm else classes / (C * trained.sum(0)[None, :, None])

        def step(s: _Search) -> _Search:
            _, data = losses(s.scores)
            slope = s.a + C * data
            bias_slope = (s.bias if svm else 0.0) + C * data.sum(0, keepdims=True)
            moved = times_gram(slope)
            bias_moved = scale * bias_slope
            squared = total(slope * moved) + total(bias_slope * bias_moved)
            along = total(s.slope * moved) + total(s.bias_slope * bias_moved)
            turn = jnp.maximum(0, (squared - along) / s.squared)
            a_way = turn * s.a_way - slope
            bias_way = turn * s.bias_way - bias_moved
            scores_way = turn * s.scores_way - moved - bias_moved
            uphill = total(slope * (scores_way - bias_way)) + total(bias_slope * bias_way) >= 0
            a_way = jnp.where(uphill, -slope, a_way)
            bias_way = jnp.where(uphill, -bias_moved, bias_way)
            scores_way = jnp.where(uphill, -moved - bias_moved, scores_way)

            first = total(s.a * (scores_way - bias_way))
            second = total(a_way * (scores_way - bias_way))
            if svm:
                first += total(s.bias * bias_way)
                second += total(bias_way**2)
            length = jnp.zeros_like(first)
            for _ in range(_LINE_STEPS):
                scores = s.scores + length * scores_way
                gradient = first + length * second + C * total(losses(scores)[1] * scores_way)
                length -= gradient / jnp.maximum(second + C * bend(scores, scores_way), 1e-30)
            loss, _ = losses(s.scores)
            value = total(s.a * (s.scores - s.bias)) / 2 + C * total(loss)
            if svm:
                value += total(s.bias**2) / 2
            return _Search(
                s.a + length * a_way,
                s.bias + length * bias_way,
                s.scores + length * scores_way,
                a_way,
                bias_way,
                scores_way,
                slope,
                bias_slope,
                squared,
                squared / 2 / value,
                s.iterations + 1,
            )

        def unfinished(s: _Search):
            return (s.iterations < most) & (s.excess > tolerance).any()

        nothing, no_bias = jnp.zeros_like(a), jnp.zeros_like(bias)
        never = jnp.full_like(total(a), jnp.inf)
        scores = times_gram(a) + bias
        begin = _Search(
            a, bias, scores, nothing, no_bias, nothing, nothing, no_bias, never, never, jnp.int32(0)
        )
        end = jax.lax.while_loop(unfinished, step, begin)
        found = (end.a, end.bias)
        return found, (*found, end.scores.argmax(-1), end.excess[0], end.iterations)

    start = (jnp.zeros((n, folds, classes)), jnp.zeros((1, folds, classes)))
    _, solved = jax.lax.scan(solve, start, jnp.asarray(Cs))
    return solved
