"""Linear models by Newton's method in double precision, on the host, down to a bound that holds.

For what single precision or a first-order method leaves over: features of very different scales, a
large C. Each direction is found by conjugate gradients (Lin, Weng & Keerthi, JMLR 2008, "Trust
region Newton method for logistic regression") and followed to its lowest point, with which the
squared hinge ends at its minimum after finitely many steps (Keerthi & DeCoste, JMLR 2005, "A
modified finite Newton method for fast solution of large scale linear SVMs").
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import scipy

from jtransfer.transfer.features.conditioning import Design

Loss = Literal["svm", "softmax", "each"]
Solve = Callable[[np.ndarray], np.ndarray]

# Multiplications at most for factors of each output's own Hessian; beyond, all share one's.
_EXACT = 2e10
_SHARE = 1e-2  # of a direction's error, in the metric of what solves for it, that may be left
_LINE_STEPS = 40
_LINE_TOLERANCE = 1e-2  # of the slope along a direction, as a share of that at its beginning
_ROUNDING = 1e-11  # added to each diagonal before it is factored, as a share of it


class _Pointwise(NamedTuple):
    """A convex loss of scores [n, outputs] with targets from 0 to 1, all results [n, outputs]."""

    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]  # by each score
    joint: bool  # whether the outputs are one problem, by a softmax
    saved: float  # products with a Hessian that each output's own inverse saves, about


def _short(scores, targets):
    return np.maximum(0, 1 - (2 * targets - 1) * scores)


def _softmax_curvature(scores, _):
    shares = scipy.special.softmax(scores, axis=1)
    return shares * (1 - shares)


LOSSES: dict[Loss, _Pointwise] = {
    "svm": _Pointwise(
        lambda s, y: _short(s, y) ** 2,
        lambda s, y: -2 * (2 * y - 1) * _short(s, y),
        lambda s, y: 2.0 * (_short(s, y) > 0),
        joint=False,
        saved=2000,
    ),
    # No difference of large numbers: y log(1 + e^-s) + (1 - y) log(1 + e^s).
    "each": _Pointwise(
        lambda s, y: y * np.logaddexp(0, -s) + (1 - y) * np.logaddexp(0, s),
        lambda s, y: scipy.special.expit(s) - y,
        lambda s, y: scipy.special.expit(s) * scipy.special.expit(-s),
        joint=False,
        saved=100,
    ),
    "softmax": _Pointwise(
        lambda s, y: y * (scipy.special.logsumexp(s, axis=1, keepdims=True) - s),
        lambda s, y: scipy.special.softmax(s, axis=1) - y,
        _softmax_curvature,
        joint=True,
        saved=100,
    ),
}


class Found(NamedTuple):
    """Linear models.

    Attributes:
      weights: [dims, outputs].
      value: of the objective, [outputs]; all alike where the outputs are one problem.
      excess: how far that is above its minimum, as a share of it, at most: [outputs].
      products: with a Hessian that it took.
    """

    weights: np.ndarray
    value: np.ndarray
    excess: np.ndarray
    products: int


def minimise(
    design: Design,
    targets: np.ndarray,
    judged: np.ndarray,
    C: float,
    *,
    loss: Loss,
    start: np.ndarray,
    tolerance: float,
    most: int,
) -> Found:
    """Minimise the penalties of the weights plus C times the loss of what is judged.

    The bound: a mu-strongly convex function is at most |gradient|^2 / (2 mu) above its minimum, mu
    being the weights' ridge. A free bias has none; its share of the gradient is measured by the
    bias's curvature, and after a step of Newton's it is small beside the others'.

    Args:
      design: features of n examples, whose ridges are 1 but for the bias's.
      targets: [n, outputs], 1 and 0, or between them for the logistic losses.
      judged: 1 or 0, [n, outputs] or [n, 1].
      C: weight of the loss.
      loss: "svm", "softmax", or "each" for a logistic of every output.
      start: weights [dims, outputs].
      tolerance: excess at which to stop.
      most: products with a Hessian after which to stop anyway.
    """
    problem = _Problem.of(design, targets, judged, C, loss)
    place = _Place(problem, problem.centred(start))
    # At zero, where no class is told from another, the bound is met too if C is small enough.
    begun = start.any(axis=0).all()
    if begun and (place.excess <= tolerance).all():
        return Found(place.weights, place.value, place.excess, 0)
    if design.rank == len(design.ridge):
        return _descend(problem, start, tolerance, most)
    small, axes = design.reduced
    found = _descend(problem._replace(design=small), axes.T @ start, tolerance, most)
    return found._replace(weights=axes @ found.weights)


def objective(
    design: Design,
    targets: np.ndarray,
    judged: np.ndarray,
    C: float,
    *,
    loss: Loss,
    weights: np.ndarray,
) -> np.ndarray:
    """What `minimise` minimises, of the weights: [outputs]. Arguments as there."""
    problem = _Problem.of(design, targets, judged, C, loss)
    return problem.value(weights, design.values @ weights)


class _Problem(NamedTuple):
    design: Design
    targets: np.ndarray
    judged: np.ndarray
    C: float
    loss: _Pointwise

    @classmethod
    def of(cls, design: Design, targets, judged, C: float, loss: Loss) -> "_Problem":
        targets = np.asarray(targets, np.float64)
        judged = np.broadcast_to(np.asarray(judged, np.float64), targets.shape)
        return cls(design, targets, judged, C, LOSSES[loss])

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sums [outputs] of values [..., outputs] over what makes a problem."""
        sums = values.sum(axis=0)
        return np.full_like(sums, sums.sum()) if self.loss.joint else sums

    def centred(self, weights: np.ndarray) -> np.ndarray:
        """Without what a softmax has in common to all classes, which costs and changes nothing."""
        return weights - weights.mean(axis=1, keepdims=True) if self.loss.joint else weights

    def value(self, weights: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The objective, [outputs]."""
        losses = self.total(self.judged * self.loss.value(scores, self.targets))
        return self.total(self.design.ridge[:, None] * weights**2) / 2 + self.C * losses

    def slope(self, scores: np.ndarray) -> np.ndarray:
        """Of C times the loss, by each score."""
        return self.C * self.judged * self.loss.slope(scores, self.targets)

    def bend(self, scores: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """How these slopes change where the scores move: a function of the moves."""
        if not self.loss.joint:
            curvature = self.C * self.judged * self.loss.curvature(scores, self.targets)
            return lambda moves: curvature * moves
        shares = scipy.special.softmax(scores, axis=1)
        weight = self.C * self.judged * shares
        return lambda moves: weight * (moves - (shares * moves).sum(axis=1, keepdims=True))

    def part(self, outputs: np.ndarray) -> "_Problem":
        targets, judged = self.targets[:, outputs], self.judged[:, outputs]
        return self._replace(targets=targets, judged=judged)


def _descend(problem: _Problem, start: np.ndarray, tolerance: float, most: int) -> Found:
    """Newton's steps for every output until it is there, and one more."""
    weights, done = problem.centred(start), 0
    going = np.arange(weights.shape[1])
    while going.size and done < most:
        place = _Place(problem.part(going), weights[:, going])
        way, products = place.direction(most - done)
        weights[:, going] += place.length(way) * way
        done += products
        # NaN is not there. The step after the bound is met squares what is left.
        going = going[~(place.excess <= tolerance)]
    place = _Place(problem, weights)
    return Found(weights, place.value, place.excess, done)


class _Place:
    """A point of a problem, and the way on from it."""

    def __init__(self, problem: _Problem, weights: np.ndarray):
        self.problem, self.weights = problem, weights
        design, targets, judged, C, loss = problem
        self.scores = design.values @ weights
        ridge = design.ridge[:, None]
        self.value = problem.value(weights, self.scores)
        self.gradient = ridge * weights + design.values.T @ problem.slope(self.scores)
        self.curvature = C * judged * loss.curvature(self.scores, targets)
        self._bend = problem.bend(self.scores)
        self.convexity = np.repeat(ridge, weights.shape[1], axis=1)
        if not design.ridge[-1]:
            bend = (design.values[:, -1:] ** 2 * self.curvature).sum(axis=0)
            self.convexity[-1] = np.maximum(bend, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore", invalid="ignore"):
            self.excess = problem.total(self.gradient**2 / self.convexity) / 2 / self.value

    def times_hessian(self, way: np.ndarray) -> np.ndarray:
        design = self.problem.design
        return design.ridge[:, None] * way + design.values.T @ self._bend(design.values @ way)

    def direction(self, most: int) -> tuple[np.ndarray, int]:
        """Conjugate gradients for Newton's direction, and how many products they took."""
        total, solve = self.problem.total, self._approximate_inverse()
        way, residual = np.zeros_like(self.weights), -self.gradient
        solved = solve(residual)
        turn, size = solved, total(residual * solved)
        enough = _SHARE**2 * size
        for products in range(1, most + 1):
            bent = self.times_hessian(turn)
            length = _ratio(size, total(turn * bent))
            way = way + length * turn
            residual = residual - length * bent
            solved = solve(residual)
            before, size = size, total(residual * solved)
            if not (size > enough).any():
                return way, products
            turn = solved + _ratio(size, before) * turn
        return way, most

    def _approximate_inverse(self) -> Solve:
        """Of the Hessian: each output's own where that is cheap, else one of their mean."""
        design = self.problem.design
        worth = self.problem.loss.saved * design.values.size * self.curvature.shape[1]
        if sum(_cost(design, each) for each in self.curvature.T) > min(worth, _EXACT):
            shared = _factor(self.curvature.mean() * design.gram, design.ridge)
            return lambda given: self.problem.centred(scipy.linalg.cho_solve(shared, given))
        own = [_inverse(design, each) for each in self.curvature.T]

        def solve(given: np.ndarray) -> np.ndarray:
            columns = [inverse(column) for inverse, column in zip(own, given.T, strict=True)]
            return self.problem.centred(np.stack(columns, axis=1))

        return solve

    def length(self, way: np.ndarray) -> np.ndarray:
        """Of the way to its lowest point [outputs], by Newton's method between bounds."""
        problem = self.problem
        ridge, moved = problem.design.ridge[:, None], problem.design.values @ way
        first, second = (problem.total(ridge * way * each) for each in (self.weights, way))
        small = _LINE_TOLERANCE * np.abs(problem.total(self.gradient * way))
        length = np.ones_like(first)
        low, high = np.zeros_like(first), np.full_like(first, np.inf)
        for _ in range(_LINE_STEPS):
            scores = self.scores + length * moved
            slope = first + length * second + problem.total(problem.slope(scores) * moved)
            bend = second + problem.total(problem.bend(scores)(moved) * moved)
            low, high = np.where(slope < 0, length, low), np.where(slope < 0, high, length)
            far = np.abs(slope) > small
            if not far.any():
                break
            better = length - _ratio(slope, bend)
            middle = np.where(np.isinf(high), 2 * length, (low + high) / 2)
            better = np.where((better > low) & (better < high), better, middle)
            length = np.where(far, better, length)
        return length


def _by_examples(design: Design, count: int) -> bool:
    """Whether there are fewer examples with curvature than features, and not too many in all."""
    n, dims = design.values.shape
    return count < dims and n <= 4 * dims and bool(design.ridge.all())


def _cost(design: Design, curvature: np.ndarray) -> float:
    """Multiplications of `_inverse`."""
    count, dims = float((curvature > 0).sum()), len(design.ridge)
    return count**3 / 3 if _by_examples(design, int(count)) else count * dims**2


def _inverse(design: Design, curvature: np.ndarray) -> Solve:
    """Of values^T curvature values + ridge (Woodbury's identity where that is smaller)."""
    counts = curvature > 0
    rows, ridge = design.values[counts], design.ridge
    if not _by_examples(design, len(rows)):
        factor = _factor((rows.T * curvature[counts]) @ rows, ridge)
        return lambda given: scipy.linalg.cho_solve(factor, given)
    factor = _factor(design.kernel[np.ix_(counts, counts)], 1 / curvature[counts])

    def solve(given: np.ndarray) -> np.ndarray:
        return (given - rows.T @ scipy.linalg.cho_solve(factor, rows @ (given / ridge))) / ridge

    return solve


def _factor(squares: np.ndarray, ridge: np.ndarray) -> tuple[np.ndarray, bool]:
    """Of squares + ridge, a little more than that so that rounding cannot spoil it."""
    places = np.diag_indices_from(squares)
    diagonal = squares[places] + ridge
    squares[places] = diagonal * (1 + _ROUNDING) + np.finfo(np.float64).tiny
    return scipy.linalg.cho_factor(squares)


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Their ratio, 0 where there is nothing to divide by."""
    there = under > 0
    return np.where(there, over / np.where(there, under, 1), 0)
