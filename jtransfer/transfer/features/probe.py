"""Linear classifiers on frozen features: SVM and softmax, C chosen by cross-validation.

A whole grid of C, with all folds and classes, is fitted in one compiled program whose work is
products with the Gram matrix of the features (`penalty_path`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.measure import mean_per_class_accuracy
from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import Kind, gram_matrix, penalty_path, product

# Folds with their examples to train on and to validate on, as positions.
Folds = Sequence[tuple[np.ndarray, np.ndarray]]

# Of a classifier that is kept: its excess, and the most iterations.
_TOLERANCE, _MOST = 1e-5, 1000


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier.

    Attributes:
      weights: [dims, classes].
      bias: [classes].
      excess: how far its objective is above the minimum, as a share of it and for the worst class:
        a bound for the SVM, an estimate for the softmax (see `penalty_path`).
    """

    weights: jax.Array
    bias: jax.Array
    excess: jax.Array

    def decision(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Scores [n, classes] of features [n, dims]."""
        return product(jnp.asarray(features), self.weights) + self.bias[None]

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
    gram = gram_matrix(examples)
    targets = _one_hot(labels, classes)
    path = penalty_path(gram, targets, jnp.asarray(trained), Cs, tolerance, most, kind=kind)
    guesses = np.asarray(path.predictions)
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
    return Choice(
        ordered[best], probe, accuracies, float(path.excess.max()), np.asarray(path.iterations)
    )


def _fit(features, labels, C, kind, classes, tolerance, most) -> LinearProbe:
    Cs = np.array([C], np.float32)
    _check(features, labels, Cs, classes)
    features = jnp.asarray(features, jnp.float32)
    return _solve(features, gram_matrix(features), labels, Cs, kind, classes, tolerance, most)


def _solve(features, gram, labels, Cs, kind, classes, tolerance, most) -> LinearProbe:
    """One classifier of all the examples, whose Gram matrix is at hand."""
    everyone = jnp.ones((len(labels), 1))
    targets = _one_hot(labels, classes)
    path = penalty_path(gram, targets, everyone, Cs, tolerance, most, kind=kind)
    weights = product(features.T, path.coefficients[:, 0])
    return LinearProbe(weights, path.bias[0], path.excess.max())


def _check(features, labels, Cs, classes) -> None:
    check_examples(features, labels, classes)
    check_penalties(Cs)


def check_penalties(Cs: np.ndarray) -> None:
    """Check that there are values of C [penalties], all positive and finite.

    Raises:
      ValueError: if not.
    """
    if not (len(Cs) and (Cs > 0).all() and np.isfinite(Cs).all()):
        raise ValueError(f"C is {Cs.tolist()}; expected positive finite numbers, at least one")


def check_examples(features: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """Check that a classifier of `classes` classes can be fitted to features [n, dims].

    Raises:
      ValueError: if they and the labels [n] do not fit together, are not finite, or name classes
        that are not there.
    """
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


def _one_hot(labels, classes) -> jax.Array:
    return jax.nn.one_hot(jnp.asarray(labels), classes)
