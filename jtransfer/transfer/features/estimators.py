"""The probes as scikit-learn's estimators: `fit`, `predict`, `predict_proba`, `score`, any labels.

Probabilities are the softmax of the scores over a temperature, which is fitted to scores of
examples that their models did not see (Guo et al. 2017, "On calibration of modern neural networks",
section 4.2): so they are of use for an SVM and ridge regression too, whose scores are no logits.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from jtransfer.measure.calibration import fit_temperature, probabilities_of
from jtransfer.transfer.features import probe
from jtransfer.transfer.features.blockwise_fit import LinearModels, linear_models
from jtransfer.transfer.features.example_weights import ClassWeight, example_weights
from jtransfer.transfer.features.penalty_path import Kind
from jtransfer.transfer.features.ridge import fit_ridge

_FIT = {"svm": probe.fit_svm, "softmax": probe.fit_softmax}
_TOLERANCE, _MOST = 1e-4, 300  # of the folds' models


class _Linear(ClassifierMixin, BaseEstimator, ABC):
    """What the probes share: labels of any type, scores and probabilities."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> "_Linear":
        """Fit to features [n, dims] and labels [n] of at least two classes.

        Raises:
          ValueError: if they cannot be used, or a parameter cannot.
        """
        given: Any = validate_data(self, X, y, dtype=np.float32)  # pyright: ignore[reportArgumentType]
        features, targets = given
        check_classification_targets(targets)
        self.classes_, labels = np.unique(targets, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"1 class in {len(labels):,} labels; expected two at least, for a classifier to "
                "tell apart"
            )
        fitted, held_out = self._fit(features, labels)
        self.coef_ = np.asarray(fitted.weights, np.float64).T
        self.intercept_ = np.asarray(fitted.bias, np.float64)
        self.temperature_ = 1.0 if held_out is None else fit_temperature(held_out, labels)
        return self

    @abstractmethod
    def _fit(
        self, X: NDArray[np.float32], labels: NDArray[np.intp]
    ) -> tuple[probe.LinearProbe, NDArray | None]:
        """The probe, and scores [n, classes] by models that did not see the example, or None."""

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Scores [n, classes]; of two classes [n], the second's less the first's."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray:
        """Labels [n] of features [n, dims]."""
        best = self._scores(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities [n, classes], in the order of `classes_`."""
        return probabilities_of(self._scores(X), self.temperature_)

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        features: Any = validate_data(self, X, dtype=np.float32, reset=False)  # pyright: ignore[reportArgumentType]
        # In double precision, so that a row's scores do not depend on the rows beside it.
        return features.astype(np.float64) @ self.coef_.T + self.intercept_


class LinearProbe(_Linear):
    """A linear SVM or softmax on features (`fit_svm`, `fit_softmax`).

    With two classes the softmax penalises the weights of both: it is scikit-learn's
    LogisticRegression at 2 C.

    >>> from sklearn.model_selection import GridSearchCV
    >>> search = GridSearchCV(LinearProbe("softmax"), {"C": [0.1, 1, 10]})

    Args:
      kind: "svm" or "softmax".
      C: weight of the loss, or several of which the best by cross-validation is taken, judged by
        the mean accuracy per class, the smallest among equals.
      cv: folds for choosing C and for the temperature; as many as the smallest class has examples,
        where these are fewer.
      class_weight: "balanced", or a mapping from labels to how much their
        examples count, those that it lacks 1.

    Attributes:
      classes_: labels, [classes].
      coef_: [classes, dims], and `intercept_` [classes]; of two classes too.
      C_: that was taken.
      temperature_: of the probabilities; 1 where a class has one example only, so that none can be
        held out.
    """

    def __init__(
        self,
        kind: Kind = "svm",
        C: float | Sequence[float] = 1.0,
        cv: int = 5,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
    ):
        self.kind: Kind = kind
        self.C = C
        self.cv = cv
        self.class_weight: Literal["balanced"] | Mapping[Any, float] | None = class_weight

    def _fit(
        self, X: NDArray[np.float32], labels: NDArray[np.intp]
    ) -> tuple[probe.LinearProbe, NDArray | None]:
        if self.kind not in _FIT:
            raise ValueError(f"kind {self.kind!r}; expected one of {', '.join(_FIT)}")
        if not self.cv >= 2:
            raise ValueError(f"{self.cv} folds; expected 2 at least")
        kind, Cs = self.kind, np.asarray(self.C, np.float64)
        classes = len(self.classes_)
        weight: ClassWeight
        if isinstance(self.class_weight, Mapping):
            weight = [self.class_weight.get(each, 1.0) for each in self.classes_.tolist()]
        else:
            weight = self.class_weight
        folds = _folds(labels, self.cv)
        if Cs.ndim:
            if not folds:
                raise ValueError(
                    "a class with 1 example, and several C to choose from by cross-validation; "
                    "expected 2 examples at least of every class. Give one C"
                )
            choice = probe.cross_validate(
                X, labels, Cs.tolist(), folds, kind=kind, classes=classes, class_weight=weight
            )
            self.C_, fitted = choice.C, choice.probe
        else:
            self.C_ = float(Cs)
            fitted = _FIT[kind](X, labels, self.C_, classes=classes, class_weight=weight)
        if not folds:
            return fitted, None
        fit = linear_models(X, np.eye(classes)[labels], kind)
        weights = example_weights(labels, weight, classes)
        return fitted, _held_out(fit, X, weights, self.C_, folds)


class RidgeProbe(_Linear):
    """Ridge regression as a classifier (`fit_ridge`), for few labels and many classes the quickest.

    Args:
      penalty: of the squared weights, or several of which the best by leaving out one example at a
        time is taken, judged by the mean accuracy per class, the largest among equals.

    Attributes:
      classes_: labels, [classes].
      coef_: [classes, dims], and `intercept_` [classes]; of two classes too.
      penalty_: that was taken.
      temperature_: of the probabilities, fitted to the scores of the examples left out.
    """

    def __init__(self, penalty: float | Sequence[float] = (0.01, 0.1, 1.0, 10.0, 100.0)):
        self.penalty = penalty

    def _fit(
        self, X: NDArray[np.float32], labels: NDArray[np.intp]
    ) -> tuple[probe.LinearProbe, NDArray | None]:
        penalties: Any = self.penalty if np.ndim(self.penalty) else [self.penalty]
        choice = fit_ridge(X, labels, penalties, classes=len(self.classes_))
        self.penalty_ = choice.penalty
        return choice.probe, choice.held_out


def _held_out(
    fit: LinearModels,
    X: NDArray[np.float32],
    weights: NDArray[np.float64],
    C: float,
    folds: probe.Folds,
) -> NDArray[np.float64]:
    """Scores [n, classes] of each fold's examples by the models of the others."""
    scores = np.zeros(fit.targets.shape)
    for train, validation in folds:
        judged = np.zeros((len(X), 1), np.float32)  # of one shape, for which is compiled once
        judged[train, 0] = weights[train]
        other = fit.one(judged, C, tolerance=_TOLERANCE, most=_MOST)
        scores[validation] = X[validation] @ np.asarray(other.weights) + np.asarray(other.bias)
    return scores


def _folds(labels: NDArray[np.intp], most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions to train on and to validate on; none where a class has one example only."""
    count = min(most, int(np.bincount(labels).min()))
    if count < 2:
        return []
    return list(StratifiedKFold(count).split(labels, labels))
