"""Linear classifiers on frozen features: SVM and softmax, C chosen by cross-validation.

A whole grid of C, with all folds and classes, is fitted at once: of some thousand examples in one
compiled program whose work is products with the Gram matrix of the features (`penalty_path`), or,
where float32 is not enough for that, in double precision (`linear_fit`); of more by descent in the
weights over blocks of examples (`blockwise_fit`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.labels import class_numbers
from jtransfer.measure import mean_per_class_accuracy
from jtransfer.transfer.features.blockwise_fit import LinearModels, linear_models
from jtransfer.transfer.features.example_weights import ClassWeight, example_weights
from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.linear_fit import warn_if_above
from jtransfer.transfer.features.penalty_path import Kind, product

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
      excess: how far its objective is above the minimum, as a share of it and for the worst class,
        at most: a bound found in double precision (see `newton.minimise`), with what rounding the
        weights to float32 costs.
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
      iterations: products with the Gram matrix or a Hessian at each C, of the slowest fold.
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
    class_weight: ClassWeight = None,
    tolerance: float = _TOLERANCE,
    most: int = _MOST,
) -> LinearProbe:
    """One-vs-rest linear SVMs: 1/2 |(w, b)|^2 + C sum max(0, 1 - y (w x + b))^2 for each class.

    The objective of liblinear's and scikit-learn's LinearSVC (Fan et al., JMLR 2008), whatever the
    scale of the features: they are conditioned inside, the weights are those of what was given.

    Args:
      features: [n, dims] float32.
      labels: [n] integers from 0 to classes - 1.
      C: weight of the loss.
      classes: how many there are.
      class_weight: by which the loss of a class's examples is multiplied; see `example_weights`.
      tolerance: excess (see `LinearProbe`) at which to stop.
      most: iterations after which to stop anyway, with a `ConvergenceWarning`.

    Raises:
      ValueError: if features, labels or C cannot be used.
    """
    return _fit(features, labels, C, "svm", classes, class_weight, tolerance, most)


def fit_softmax(
    features: np.ndarray,
    labels: np.ndarray,
    C: float,
    *,
    classes: int,
    class_weight: ClassWeight = None,
    learned: np.ndarray | None = None,
    tolerance: float = _TOLERANCE,
    most: int = _MOST,
) -> LinearProbe:
    """Multinomial logistic regression: 1/2 |W|^2 + C sum cross-entropy, the bias unpenalised.

    The objective of scikit-learn's LogisticRegression. Arguments and errors as for `fit_svm`; where
    `learned` [n] bool is given, the others are left out, and one program does for all choices.
    """
    return _fit(features, labels, C, "softmax", classes, class_weight, tolerance, most, learned)


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    penalties: Sequence[float],
    folds: Folds,
    *,
    kind: Kind,
    classes: int,
    class_weight: ClassWeight = None,
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
      class_weight: as for `fit_svm`; "balanced" by the frequencies of all the examples.
      tolerance: of the folds' classifiers, as for `fit_svm`; the last one has that one's own.
      most: likewise.

    Raises:
      ValueError: as `fit_svm`, or naming the kind that is not there, or a fold that lacks a class.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind {kind!r}; expected one of {', '.join(get_args(Kind))}")
    ordered = sorted(float(C) for C in penalties)
    Cs = np.array(ordered)
    labels = _check(features, labels, Cs, classes)
    weights = example_weights(labels, class_weight, classes)
    trained = np.zeros((len(labels), len(folds)), np.float32)
    for number, (train, validation) in enumerate(folds):
        for name, part in (("train on", train), ("validate on", validation)):
            lacking = np.setdiff1d(np.unique(labels), labels[part])
            if lacking.size:
                raise ValueError(
                    f"fold {number} has no example of class {lacking[0]} to {name}; expected one "
                    "of every class. Stratify the folds, or take fewer"
                )
        trained[train, number] = weights[train]
    fit = linear_models(features, np.eye(classes)[labels], kind)
    fitted = fit.folds(trained, Cs, tolerance=tolerance, most=most)
    warn_if_above(fitted.excess, tolerance, _unreached(fitted.excess, tolerance, ordered, kind))
    accuracies = np.array(
        [
            [
                mean_per_class_accuracy(guesses[validation, number], labels[validation], classes)
                for number, (_, validation) in enumerate(folds)
            ]
            for guesses in fitted.predictions
        ]
    )
    best = int(accuracies.mean(axis=1).argmax())
    return Choice(
        ordered[best],
        _one(fit, weights, ordered[best], _TOLERANCE, _MOST),
        accuracies,
        float(fitted.excess.max()),
        fitted.iterations,
    )


def _unreached(excess, tolerance, Cs, kind) -> str:
    short = ~(excess <= tolerance)
    at = ", ".join(f"{C:g}" for C, any_ in zip(Cs, short.any(axis=1), strict=True) if any_)
    return f"{short.sum()} of the {short.size} {kind} fits on folds, those at C = {at},"


def _fit(
    features, labels, C, kind, classes, class_weight, tolerance, most, learned=None
) -> LinearProbe:
    labels = _check(features, labels, np.array([C], np.float64), classes)
    if learned is not None and np.shape(learned) != np.shape(labels):
        raise ValueError(
            f"learned has shape {np.shape(learned)} for {len(labels):,} examples; expected a bool "
            "for each, [n]"
        )
    part = slice(None) if learned is None else np.asarray(learned, bool)
    weights = np.zeros(len(labels))
    weights[part] = example_weights(labels[part], class_weight, classes)
    fit = linear_models(features, np.eye(classes)[labels], kind)
    return _one(fit, weights, C, tolerance, most)


def _one(
    fit: LinearModels, weights: np.ndarray, C: float, tolerance: float, most: int
) -> LinearProbe:
    """One classifier of all the examples, each counting as much as its weight."""
    judged = weights[:, None].astype(np.float32)
    return LinearProbe(*fit.one(judged, C, tolerance=tolerance, most=most))


def _check(features, labels, Cs, classes) -> np.ndarray:
    check_penalties(Cs)
    return check_examples(features, labels, classes)


def check_penalties(Cs: np.ndarray) -> None:
    """Check that there are values of C [penalties], all positive and finite.

    Raises:
      ValueError: if not.
    """
    if not (len(Cs) and (Cs > 0).all() and np.isfinite(Cs).all()):
        raise ValueError(f"C is {Cs.tolist()}; expected positive finite numbers, at least one")


def check_examples(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Check that a classifier of `classes` classes can be fitted to features [n, dims].

    Returns:
      The labels, [n] int32.

    Raises:
      ValueError: if they and the labels [n] do not fit together, are not finite, or are not
        numbers of at least two of the classes.
    """
    if np.ndim(features) != 2 or np.shape(labels) != np.shape(features)[:1]:
        raise ValueError(
            f"features {np.shape(features)} and labels {np.shape(labels)}; expected [n, dims] and "
            "[n]"
        )
    require_finite(features)
    return class_numbers(labels, classes, least=2)
