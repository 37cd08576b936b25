"""Linear models fitted in single precision where that is enough, and in double where it is not.

Single precision is a path over C on the accelerator (`penalty_path`), double is Newton's method on
the host (`newton`); both see features that are conditioned, and the bound of every model that is
kept is found in double.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.conditioning import Conditioning, conditioned
from jtransfer.transfer.features.newton import Found, minimise, objective
from jtransfer.transfer.features.penalty_path import Kind, Path, gram_matrix, penalty_path, product

# Multiplications of one of Newton's steps up to which it is the quicker of the two.
_SMALL = 1e7
# What a Gram matrix may take; of more examples the features are used as they are.
GRAM_BYTES = 4 * 2**30
# C times the squared lengths of all examples: beyond, float32's last digit moves the gradient.
_DIGITS = 2.0**20
# As a share of the objective: what rounding the weights to float32 may cost without a word.
_ROUNDED = 1e-5


class ConvergenceWarning(UserWarning):
    """A solver stopped before its bound said that it is there."""


class Fit(NamedTuple):
    """Linear models of the features as they were given, rounded to float32.

    Attributes:
      weights: [dims, outputs].
      bias: [outputs].
      excess: how far an objective is above its minimum, as a share of it, at most.
    """

    weights: jax.Array
    bias: jax.Array
    excess: jax.Array


class FoldFits(NamedTuple):
    """What the models of every C and fold say.

    Attributes:
      predictions: classes [penalties, n, folds] of all examples, those held out as well.
      excess: [penalties, folds], as in `Fit`.
      iterations: [penalties], of the slowest fold.
    """

    predictions: np.ndarray
    excess: np.ndarray
    iterations: np.ndarray


class LinearFit:
    """Examples, and the linear models of them.

    Args:
      features: [n, dims], finite.
      targets: [n, outputs], 1 for what an example shows, else 0.
      kind: "svm" or "softmax".
    """

    def __init__(self, features: np.ndarray, targets: np.ndarray, kind: Kind):
        self.conditioned = conditioned(features, free_bias=kind == "softmax")
        self.targets = np.asarray(targets, np.float32)
        self.kind: Kind = kind

    @cached_property
    def gram(self) -> jax.Array:
        """Products [n, n] of every two examples' conditioned features, float32."""
        return gram_matrix(jnp.asarray(self.conditioned.design.values[:, :-1], jnp.float32))

    def in_single(self, Cs: np.ndarray) -> np.ndarray:
        """For which C [penalties] single precision is worth while and enough: bool."""
        n, outputs = self.targets.shape
        small = outputs * n * self.conditioned.design.rank**2 <= _SMALL
        if small or 4 * n**2 > GRAM_BYTES:
            return np.zeros(len(Cs), bool)
        return Cs * self.conditioned.scale**2 * n < _DIGITS

    def one(self, judged: np.ndarray, C: float, *, tolerance: float, most: int) -> Fit:
        """The models at one C of what is judged, [n, outputs] or [n, 1]."""
        start = None
        if self.in_single(np.array([C]))[0]:
            trained = judged[:, None] if judged.shape[1] > 1 else judged
            start = self._start(self._path(trained, np.array([C]), tolerance, most), 0, 0)
        found = self._in_double(judged, C, start, tolerance, most)
        what = f"the {self.kind} at C = {C:g}"
        value = partial(
            objective,
            self.conditioned.design,
            self.targets,
            judged,
            C * self.conditioned.scale**2,
            loss=self.kind,
        )
        return rounded(self.conditioned, found, value, tolerance=tolerance, what=what)

    def folds(
        self, trained: np.ndarray, Cs: np.ndarray, *, tolerance: float, most: int
    ) -> FoldFits:
        """The models of every C and fold; `trained` is 1 where a fold trains, [n, folds]."""
        n, folds = trained.shape
        predictions = np.zeros((len(Cs), n, folds), np.int32)
        excess, iterations = np.full((len(Cs), folds), np.inf), np.zeros(len(Cs), int)
        single, path = self.in_single(Cs), None
        if single.any():
            path = self._path(trained, Cs[single], tolerance, most)
            predictions[single] = path.predictions
            excess[single] = np.asarray(path.excess).max(axis=2)
            iterations[single] = path.iterations
        values = self.conditioned.design.values
        for place, fold, found in self._refits(trained, Cs, path, excess, tolerance, most):
            predictions[place, :, fold] = (values @ found.weights).argmax(axis=1)
            excess[place, fold] = found.excess.max()
            iterations[place] = max(iterations[place], found.products)
        return FoldFits(predictions, excess, iterations)

    def fold_scores(
        self, trained: np.ndarray, Cs: np.ndarray, *, tolerance: float, most: int
    ) -> np.ndarray:
        """Scores [penalties, n, folds, outputs] of all examples by the models of every C and fold.

        Args:
          trained: how much each example counts, 0 where a fold does not train on it: [n, folds].
          Cs: ascending, [penalties].
          tolerance: excess at which to stop.
          most: iterations after which to stop anyway, without a word.
        """
        scores = np.zeros((len(Cs), *trained.shape, self.targets.shape[1]), np.float32)
        excess = np.full((len(Cs), trained.shape[1]), np.inf)
        single, path = self.in_single(Cs), None
        if single.any():
            path = self._path(trained, Cs[single], tolerance, most)
            excess[single] = np.asarray(path.excess).max(axis=2)
            intercept = self.conditioned.design.values[:, -1].astype(np.float32)
            for place, number in enumerate(np.flatnonzero(single)):
                a = path.coefficients[place]
                products = product(self.gram, a.reshape(len(a), -1)).reshape(a.shape)
                bias = np.asarray(path.bias[place])
                scores[number] = np.asarray(products) + intercept[:, None, None] * bias[None]
        values = self.conditioned.design.values
        for place, fold, found in self._refits(trained, Cs, path, excess, tolerance, most):
            scores[place, :, fold] = values @ found.weights
        return scores

    def _refits(
        self,
        trained: np.ndarray,
        Cs: np.ndarray,
        path: Path | None,
        excess: np.ndarray,
        tolerance: float,
        most: int,
    ) -> Iterator[tuple[int, int, Found]]:
        """In double what single precision did not bring within the tolerance: its C, its fold."""
        single = self.in_single(Cs)
        for fold in range(trained.shape[1]):
            start = None
            for place in np.flatnonzero(~(excess[:, fold] <= tolerance)):
                if path is not None and single[place]:
                    start = self._start(path, int(single[:place].sum()), fold)
                found = self._in_double(trained[:, [fold]], Cs[place], start, tolerance, most)
                start = found.weights
                yield int(place), fold, found

    def _path(self, trained, Cs, tolerance, most) -> Path:
        design, scale = self.conditioned.design, self.conditioned.scale
        return penalty_path(
            self.gram,
            jnp.asarray(design.values[:, -1], jnp.float32),
            design.ridge[-1],
            jnp.asarray(self.targets),
            jnp.asarray(trained, jnp.float32),
            jnp.asarray(Cs * scale**2, jnp.float32),
            tolerance,
            most,
            kind=self.kind,
        )

    def _start(self, path: Path, place: int, fold: int) -> np.ndarray | None:
        """The weights that single precision found, if they are numbers."""
        coefficients = np.asarray(path.coefficients[place, :, fold], np.float64)
        penalised = self.conditioned.design.values[:, :-1].T @ coefficients
        weights = np.vstack([penalised, np.asarray(path.bias[place, fold], np.float64)])
        return weights if np.isfinite(weights).all() else None

    def _in_double(self, judged, C, start, tolerance, most) -> Found:
        design = self.conditioned.design
        if start is None:
            start = np.zeros((len(design.ridge), self.targets.shape[1]))
        return minimise(
            design,
            self.targets,
            judged,
            float(C) * self.conditioned.scale**2,
            loss=self.kind,
            start=start,
            tolerance=tolerance,
            most=most,
        )


def rounded(
    features: Conditioning,
    found: Found,
    value_of: Callable[..., np.ndarray],
    *,
    tolerance: float,
    what: str,
) -> Fit:
    """What was found in the units that the features were given in, and a word if it is not there.

    Args:
      features: how those were conditioned that the models are of.
      found: from `minimise`.
      value_of: the objective [outputs] of `weights=`, those of the conditioned features.
      tolerance: excess that was asked for.
      what: the models, for the message.
    """
    weights, bias = (each.astype(np.float32) for each in features.in_given_units(found.weights))
    warn_if_above(found.excess, tolerance, what)
    inner = features.from_given_units(weights.astype(np.float64), bias.astype(np.float64))
    value = value_of(weights=inner)
    share = 1 - found.value * (1 - found.excess) / value
    excess = float(np.maximum(share, 0).max())
    if (found.excess <= tolerance).all() and not excess <= max(tolerance, _ROUNDED):
        warnings.warn(
            f"the weights of {what}, rounded to float32, are {excess:.1e} above the objective's "
            f"minimum, as a share of it; expected at most {_ROUNDED:g}. The features' mean is too "
            "far from 0, their scale from 1, or C is too large: subtract the mean, divide by the "
            "deviation, or penalise more",
            ConvergenceWarning,
            stacklevel=5,
        )
    return Fit(jnp.asarray(weights), jnp.asarray(bias), jnp.asarray(excess, jnp.float32))


def warn_if_above(excess: np.ndarray, tolerance: float, what: str) -> None:
    """Warn of models that stopped before they were within the tolerance; NaN never is."""
    if not (excess <= tolerance).all():
        warnings.warn(
            f"{what} stopped up to {np.max(excess):.1e} above the lowest objective that is "
            f"possible, as a share of it; expected {tolerance:g}. Scale the features to a length "
            "of about 1, penalise more (a smaller C, a larger penalty), or raise `most`",
            ConvergenceWarning,
            stacklevel=6,
        )
