"""What models say of examples that they did not see, for a choice inside a cross-validation.

A choice that is judged on the examples by which it was made is judged too well. So each fold is
judged by a model that was chosen without it, on examples that the candidates did not see: for every
two folds there is a model that saw neither, and for every fold one that did not see it. For K folds
these are K (K + 1) / 2 fits a candidate, each used for both of its folds.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from jtransfer.transfer.features.blockwise_fit import linear_models
from jtransfer.transfer.features.probe import LinearProbe, check_examples, check_penalties

Probe = Literal["softmax", "ridge", "nearest mean"]

_ROWS = 4096  # in double precision at a time
_TOLERANCE, _MOST = 1e-3, 200  # of the folds' softmax: enough to tell which is best


@dataclass(frozen=True, eq=False)
class Fitting:
    """Examples to fit probes to.

    Attributes:
      features: [n, dims] float32, finite, of length about 1.
      labels: [n] integers from 0.
      classes: how many there are.
      weights: [n], how much each example counts, 1 on average.

    Raises:
      ValueError: if they do not fit each other.
    """

    features: np.ndarray
    labels: np.ndarray
    classes: int
    weights: np.ndarray

    def __post_init__(self):
        """Check what comes in."""
        check_examples(self.features, self.labels, self.classes)
        if self.weights.shape != self.labels.shape or not (self.weights > 0).all():
            raise ValueError(
                f"weights of shape {self.weights.shape} for {len(self.labels):,} examples; "
                "expected as many numbers above 0"
            )

    @property
    def targets(self) -> np.ndarray:
        """[n, classes], 1 for an example's class and else 0."""
        return np.eye(self.classes)[self.labels]


def held_out_scores(
    fitting: Fitting, folds: np.ndarray, probe: Probe, penalties: Sequence[float]
) -> np.ndarray:
    """Scores of every example by models that did not see it.

    Args:
      fitting: the examples.
      folds: [n] integers from 0, the fold of each.
      probe: what is fitted.
      penalties: of each model; C of the softmax, |W|^2's factor of ridge regression, and any one
        number for the nearest mean, which has none.

    Returns:
      [penalties, n, folds, classes] float32: at [p, x, j] the scores of example x by the model
      that saw neither fold j nor the fold of x; where j is that fold, by the one that saw all
      others.

    Raises:
      ValueError: if a penalty is no positive number, there are not two folds, or a class lies in
        two of them alone, so that a model would not see it.
    """
    check_penalties(np.asarray(penalties, np.float64))
    count = int(folds.max()) + 1
    if count < 2 or folds.shape != fitting.labels.shape:
        raise ValueError(
            f"{count} folds for {folds.shape} examples; expected at least 2 and one number each"
        )
    for first, second in _pairs(folds):
        seen = fitting.labels[(folds != first) & (folds != second)]
        lacking = np.setdiff1d(fitting.labels, seen)
        if lacking.size:
            raise ValueError(
                f"class {lacking[0]} has no example outside folds {first} and {second}; expected "
                "every class in at least three folds. Stratify them, or leave the class out"
            )
    out = np.zeros((len(penalties), len(folds), count, fitting.classes), np.float32)
    with _one_thread():
        for first, second, scores in _MODELS[probe](fitting, folds, penalties):
            out[:, folds == first, second] = scores[:, folds == first]
            out[:, folds == second, first] = scores[:, folds == second]
    return out


def fit_probe(fitting: Fitting, probe: Probe, penalty: float) -> LinearProbe:
    """One probe of all the examples; arguments and errors as of `held_out_scores`."""
    check_penalties(np.array([penalty]))
    if probe == "softmax":
        fit = linear_models(fitting.features, fitting.targets, "softmax")
        return LinearProbe(*fit.one(fitting.weights[:, None], penalty, tolerance=1e-5, most=1000))
    with _one_thread():
        if probe == "ridge":
            moments = _Moments.of(fitting.features, fitting.targets, fitting.weights)
            weights, bias = moments.solved([penalty])[0]
        else:
            weights, bias = _nearest(*_class_sums(fitting, np.ones(len(fitting.labels), bool)))
    return LinearProbe(*(jnp.asarray(each, jnp.float32) for each in (weights, bias, 0.0)))


def _one_thread() -> AbstractContextManager[Any]:
    """Within, BLAS keeps to one thread.

    Several wait for each other, busily, for longer than these matrices take: on two cores with
    other work, the folds' ridge regression of 350 examples takes 12 seconds of the processor
    instead of 0.2.
    """
    return threadpool_limits(1, user_api="blas")


_Models = Iterator[tuple[int, int, np.ndarray]]  # two folds, scores [penalties, n, classes]


def _pairs(folds: np.ndarray) -> list[tuple[int, int]]:
    count = int(folds.max()) + 1
    return [(first, second) for first in range(count) for second in range(first, count)]


def _softmax_models(fitting: Fitting, folds: np.ndarray, penalties: Sequence[float]) -> _Models:
    pairs = _pairs(folds)
    trained = np.stack([(folds != a) & (folds != b) for a, b in pairs], axis=1)
    fit = linear_models(fitting.features, fitting.targets, "softmax")
    ascending = np.argsort(penalties)
    found = fit.fold_scores(
        trained * fitting.weights[:, None],
        np.asarray(penalties, np.float64)[ascending],
        tolerance=_TOLERANCE,
        most=_MOST,
    )
    places = np.argsort(ascending)
    for number, (first, second) in enumerate(pairs):
        yield first, second, found[places, :, number]


def _ridge_models(fitting: Fitting, folds: np.ndarray, penalties: Sequence[float]) -> _Models:
    x = _turned(fitting.features)
    y, weights = fitting.targets, fitting.weights
    whole = _Moments.of(x, y, weights)
    parts = [
        _Moments.of(x[folds == fold], y[folds == fold], weights[folds == fold])
        for fold in range(int(folds.max()) + 1)
    ]
    for first, second in _pairs(folds):
        seen = whole - parts[first]
        if second != first:
            seen = seen - parts[second]
        scores = np.zeros((len(penalties), len(x), fitting.classes), np.float32)
        asked = (folds == first) | (folds == second)
        for place, (coefficients, bias) in enumerate(seen.solved(penalties)):
            scores[place, asked] = x[asked] @ coefficients + bias
        yield first, second, scores


def _turned(x: np.ndarray) -> np.ndarray:
    """Of fewer examples than features: along axes that they span, which changes no product."""
    if len(x) >= x.shape[1]:
        return x
    return np.asarray(np.linalg.qr(np.asarray(x.T, np.float64), mode="r")).T


@dataclass(frozen=True, eq=False)
class _Moments:
    """Weighted sums over examples, from which ridge regression is solved; sums can be taken off.

    Attributes:
      weight: sum of w.
      of_x: sum of w x, [dims].
      of_y: sum of w y, [classes].
      xx: sum of w x x', [dims, dims].
      xy: sum of w x y', [dims, classes].
    """

    weight: float
    of_x: np.ndarray
    of_y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> "_Moments":
        dims = x.shape[1]
        of_x, xx, xy = np.zeros(dims), np.zeros((dims, dims)), np.zeros((dims, y.shape[1]))
        for start in range(0, len(x), _ROWS):
            rows = slice(start, start + _ROWS)
            exact = np.asarray(x[rows], np.float64)
            weighted = exact * weights[rows, None]
            of_x += weighted.sum(axis=0)
            xx += weighted.T @ exact
            xy += weighted.T @ y[rows]
        return cls(float(weights.sum()), of_x, weights @ y, xx, xy)

    def __sub__(self, other: "_Moments") -> "_Moments":
        return _Moments(
            self.weight - other.weight,
            self.of_x - other.of_x,
            self.of_y - other.of_y,
            self.xx - other.xx,
            self.xy - other.xy,
        )

    def solved(self, penalties: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights [dims, classes] and bias [classes] at every penalty; the bias is free."""
        from scipy.linalg import cho_factor, cho_solve

        mean, share = self.of_x / self.weight, self.of_y / self.weight
        centred = self.xx - np.outer(self.of_x, mean)
        right = self.xy - np.outer(self.of_x, share)
        # What rounding took off the sums must not make the matrix indefinite.
        least = 8 * np.finfo(float).eps * float(np.trace(self.xx))
        solutions = []
        for penalty in penalties:
            matrix = centred + max(float(penalty), least) * np.eye(len(centred))
            factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            weights = cho_solve(factor, right, check_finite=False)
            solutions.append((weights, share - mean @ weights))
        return solutions


def _mean_models(fitting: Fitting, folds: np.ndarray, penalties: Sequence[float]) -> _Models:
    parts = [_class_sums(fitting, folds == fold) for fold in range(int(folds.max()) + 1)]
    for first, second in _pairs(folds):
        seen = [part for fold, part in enumerate(parts) if fold not in (first, second)]
        sums, counts = (np.sum(each, axis=0) for each in zip(*seen, strict=True))
        weights, bias = _nearest(sums, counts)
        asked = (folds == first) | (folds == second)
        scores = np.zeros((len(folds), fitting.classes), np.float32)
        scores[asked] = np.asarray(fitting.features[asked], np.float64) @ weights + bias
        yield first, second, np.repeat(scores[None], len(penalties), axis=0)


def _class_sums(fitting: Fitting, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    targets = fitting.targets[seen]
    return targets.T @ np.asarray(fitting.features[seen], np.float64), targets.sum(axis=0)


def _nearest(sums: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-|x - m|^2 is 2 x m - |m|^2 but for what all classes share (Snell et al. 2017, eq. 2)."""
    means = sums / counts[:, None]
    return 2 * means.T, -np.square(means).sum(axis=1)


_MODELS = {"softmax": _softmax_models, "ridge": _ridge_models, "nearest mean": _mean_models}
