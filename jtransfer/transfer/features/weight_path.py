"""Linear models of many examples, by descent in the weights over blocks of them.

For n examples of d features `penalty_path` takes products with the Gram matrix [n, n]; where n is
above d, the weights [d, outputs] are the smaller unknown. Here an iteration of nonlinear conjugate
gradients (Polak-Ribiere) reads every block of examples twice, once for the scores of a direction
and once for the gradient, so that its time is proportional to n, and what it keeps of an example is
its features and its scores. In the features' principal axes the Hessian of a linear model is about
ridge + C c lambda, c being the mean curvature of an output's loss and lambda the axis's variance
(the bound of Boehning 1992, "Multinomial logistic regression algorithm", with the curvature that
there is instead of the largest that there can be): a preconditioner that is diagonal, and another
one for every C, fold and class. Where that is not enough, as for an SVM of a large C, whose few
support vectors have other axes, each problem takes steps of Newton's (Keerthi & DeCoste, JMLR 2005)
as long as these are worth their price.

Blocks may lie on several devices: each works on its own, and their sums are added.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from jtransfer.transfer.features.block import (
    Block,
    bends_of,
    beside,
    derivatives_along,
    device_of,
    gradient_of,
    moved_on,
    of_problems,
    products_of,
    scores_by,
)
from jtransfer.transfer.features.own_hessians import solved
from jtransfer.transfer.features.penalty_path import Kind

_ROUND = 16  # iterations after which scores and metric are computed afresh
_WORTH = 20  # iterations that a step of Newton's is worth after a round of the others ...
_AT_ONCE = 10  # ... and before one
_LINE_STEPS = 20
_LINE_TOLERANCE = 0.1  # of the slope along a direction, as a share of that at its beginning
_CURVATURE = 1e-3  # the least that the metric takes it for
_KEPT = 2**24  # scores of all examples, of those problems that are solved together


@dataclass(frozen=True)
class Axes:
    """The features' principal axes.

    Attributes:
      turn: [dims, dims], the axes as columns.
      squares: sum of every axis's squared features, [dims].
      ridge: penalty of the weight along each axis, [dims]: 1, but 0 for a free bias.
      unit: by which the bias's feature was multiplied so that its penalty is 1.
    """

    turn: np.ndarray
    squares: np.ndarray
    ridge: np.ndarray
    unit: float

    @classmethod
    def of(cls, blocks: Sequence[Block], ridge: float) -> "Axes":
        """Of features whose bias has the penalty `ridge`; 0 leaves it free, its axis its own."""
        sums = [np.asarray(products_of(block.features), np.float64) for block in blocks]
        squares = np.sum(sums, axis=0)
        unit = 1 / np.sqrt(ridge) if ridge else 1.0
        squares[-1] *= unit
        squares[:, -1] *= unit
        penalties = np.ones(len(squares))
        if ridge:
            found, turn = np.linalg.eigh(squares)
        else:
            penalties[-1], turn = 0, np.eye(len(squares))
            found, turn[:-1, :-1] = np.linalg.eigh(squares[:-1, :-1])
            found = np.append(found, squares[-1, -1])
        return cls(turn, np.maximum(found, 0), penalties, unit)

    def outward(self, weights: np.ndarray) -> np.ndarray:
        """Weights of the features [dims, ...] from those along the axes."""
        turned = np.tensordot(self.turn, weights, 1)
        turned[-1] *= self.unit
        return turned

    def inward(self, gradient: np.ndarray) -> np.ndarray:
        """A gradient along the axes [dims, ...] from that by the features' weights."""
        scaled = gradient.copy()
        scaled[-1] *= self.unit
        return np.tensordot(self.turn.T, scaled, 1)


@dataclass(frozen=True)
class Problems:
    """Linear models of the same examples: `groups` problems of `outputs` weights each.

    Attributes:
      kind: of the loss; an SVM's outputs are problems of their own.
      masks: which of a block's masks judges a group, [groups].
      classes: which of its targets an SVM's group has, [groups].
    """

    kind: Kind
    masks: np.ndarray
    classes: np.ndarray

    @classmethod
    def of(cls, kind: Kind, masks: int, outputs: int) -> "Problems":
        """The models of all outputs, for every mask."""
        if kind == "softmax":
            return cls(kind, np.arange(masks), np.arange(0))
        return cls(kind, np.repeat(np.arange(masks), outputs), np.tile(np.arange(outputs), masks))

    def some(self, groups: np.ndarray) -> "Problems":
        """Some of them."""
        return Problems(self.kind, self.masks[groups], self.classes[groups[: len(self.classes)]])


class Descent(NamedTuple):
    """What was found at one C.

    Attributes:
      weights: along the axes, [dims, groups, outputs].
      excess: how far an objective is above its minimum, as a share of it, at most: [groups].
      iterations: that it took.
      newton: whether it ended with Newton's steps.
    """

    weights: np.ndarray
    excess: np.ndarray
    iterations: int
    newton: bool


def descend(
    blocks: Sequence[Block],
    axes: Axes,
    problems: Problems,
    C: float,
    *,
    start: np.ndarray,
    tolerance: float,
    most: int,
    newton: bool = False,
) -> Descent:
    """Minimise |w|^2 / 2 plus C times the loss of what is judged, for many problems at once.

    Those that are within the tolerance are left, and the others go on alone once they are half.
    Of many examples not all problems are solved `together`, so that their scores find room.

    Args:
      blocks: the examples.
      axes: their principal axes.
      problems: what is asked of them.
      C: weight of the loss.
      start: weights along the axes, [dims, groups, outputs].
      tolerance: excess at which to stop, as of `penalty_path`.
      most: iterations after which to stop anyway.
      newton: whether to begin with Newton's steps, as where a smaller C ended with them.
    """
    _, groups, outputs = start.shape
    size = together(sum(len(block.features) for block in blocks), groups, outputs)
    weights, excess, iterations = start.copy(), np.zeros(groups), 0
    after = False
    # Those of the last part that an earlier one has solved only fill it up.
    for first in [*range(0, groups - size, size), groups - size]:
        part = np.arange(first, first + size)
        found = _descend(
            blocks, axes, problems.some(part), C, start[:, part], tolerance, most, newton
        )
        weights[:, part], excess[part] = found.weights, found.excess
        iterations, after = max(iterations, found.iterations), after or found.newton
    return Descent(weights, excess, iterations, after)


def together(examples: int, groups: int, outputs: int) -> int:
    """How many problems of so many outputs are solved at once: all, if their scores find room."""
    parts = min(groups, math.ceil(examples * groups * outputs / _KEPT))
    return math.ceil(groups / max(1, parts))


def _descend(
    blocks: Sequence[Block],
    axes: Axes,
    problems: Problems,
    C: float,
    start: np.ndarray,
    tolerance: float,
    most: int,
    newton: bool,
) -> Descent:
    """The problems of one part; arguments as of `descend`."""
    weights, iterations = start.copy(), 0
    excess = np.full(weights.shape[1], np.inf)
    going = np.arange(len(excess))
    while going.size and iterations < most:
        groups = _filled(going, len(excess))
        search = _Search(blocks, axes, problems.some(groups), C, weights[:, groups])
        newton = newton and (iterations > 0 or search.newton_is_worth(_AT_ONCE))
        until = min(most, iterations + _ROUND)
        while True:
            here = search.excess()[: len(going)]
            short = ~(np.abs(here) <= tolerance)
            few = 2 * short.sum() <= len(groups) and len(groups) > 1
            if not short.any() or few or iterations >= until:
                break
            search.step(newton)
            iterations += 1
        weights[:, going], excess[going] = search.weights[:, : len(going)], np.abs(here)
        # What a round of the cheaper metric did not bring there may be worth the dearer one.
        newton = newton or (iterations >= until and search.newton_is_worth(_WORTH))
        going = going[short]
        del search  # before there is another, for it keeps some numbers of every score
    return Descent(weights, excess, iterations, newton)


def _filled(groups: np.ndarray, count: int) -> np.ndarray:
    """As many as there were or a half, a quarter ... of it, for few programs; the first repeats."""
    while (count + 1) // 2 >= len(groups) and count > 1:
        count = (count + 1) // 2
    return np.append(groups, np.repeat(groups[:1], count - len(groups)))


def scores_of(block: Block, axes: Axes, weights: np.ndarray) -> jax.Array:
    """Scores [b, groups, outputs] of a block by weights along the axes [dims, groups, outputs]."""
    return scores_by(block.features, beside(block, axes.outward(weights)))


class _Search:
    """Where the descent of some problems stands."""

    def __init__(self, blocks, axes: Axes, problems: Problems, C: float, weights: np.ndarray):
        self.blocks, self.axes, self.C, self.weights = blocks, axes, C, weights
        self._kind: Kind = problems.kind
        of = [
            jax.device_put((problems.masks, problems.classes), device_of(each)) for each in blocks
        ]
        self._of = [
            of_problems(block, *mine, kind=problems.kind)
            for block, mine in zip(blocks, of, strict=True)
        ]
        outward = axes.outward(weights)
        self.scores = [scores_by(each.features, beside(each, outward)) for each in blocks]
        self.way = np.zeros_like(weights)
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._look()
        self._metric = self._along_axes()

    def _along_axes(self) -> np.ndarray:
        """A Hessian that is diagonal along the axes, [dims, groups, outputs]."""
        n = sum(len(block.features) for block in self.blocks)
        curvature = np.maximum(self._bend, _CURVATURE * self._bend.max()) / n
        squares = self.axes.squares[:, None, None]
        metric = self.axes.ridge[:, None, None] + self.C * curvature * squares
        return np.maximum(metric, np.finfo(np.float32).tiny)

    def _newton(self, gradient: np.ndarray) -> np.ndarray:
        """The inverse of every SVM's own Hessian here, of its support vectors."""
        turn, features = self.axes.turn, [np.asarray(block.features) for block in self.blocks]
        given = np.tensordot(turn, gradient, 1)[..., 0]
        found = solved(features, self._bends(), given, C=self.C, unit=self.axes.unit)
        return np.tensordot(turn.T, found, 1)[..., None]

    def _bends(self) -> list[np.ndarray]:
        """Curvature [b, groups] of each example's loss."""
        return [
            np.asarray(bends_of(*of, scores, kind=self._kind))
            for of, scores in zip(self._of, self.scores, strict=True)
        ]

    def newton_is_worth(self, iterations: int) -> bool:
        """Whether a step of Newton's, factored for every SVM, costs less than so many others."""
        if self._kind != "svm":
            return False
        dims, groups = self.gradient.shape[:2]
        support = sum(int((bends > 0).sum()) for bends in self._bends())
        examples = sum(len(block.features) for block in self.blocks)
        step = 2 * support * dims**2 + groups * dims**3 / 3
        return step < iterations * 4 * examples * dims * groups

    def _each(self, function, *lists) -> list[Any]:
        parts = [
            function(block.features, *of, *mine, kind=self._kind)
            for block, of, *mine in zip(self.blocks, self._of, *lists, strict=True)
        ]
        # All are on their way before the first is waited for.
        totals: list[Any] = [0.0] * len(parts[0])
        for part in parts:
            totals = [t + np.asarray(p, np.float64) for t, p in zip(totals, part, strict=True)]
        return totals

    def _look(self) -> None:
        """The objective, its gradient and the losses' curvature here."""
        slope, value, bend, bias_bend = self._each(gradient_of, self.scores)
        ridge = self.axes.ridge[:, None, None]
        self.gradient = ridge * self.weights + self.C * self.axes.inward(slope)
        self.value = (ridge * self.weights**2).sum((0, 2)) / 2 + self.C * value
        self._bend, self._bias_bend = bend, bias_bend

    def excess(self) -> np.ndarray:
        """At most, [groups]."""
        convex = np.broadcast_to(self.axes.ridge[:, None, None], self.gradient.shape).copy()
        if not self.axes.ridge[-1]:
            convex[-1] = np.maximum(self.C * self._bias_bend, np.finfo(float).tiny)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return (self.gradient**2 / convex).sum((0, 2)) / 2 / self.value

    def step(self, newton: bool) -> None:
        """To the lowest point along Newton's direction, or along the preconditioned gradient.

        The latter is conjugate to the step before.
        """
        solved = self._newton(self.gradient) if newton else self.gradient / self._metric
        size = (self.gradient * solved).sum((0, 2))
        turn = np.zeros_like(size)
        if self._before is not None and not newton:
            gradient, squared = self._before
            change = np.maximum(0, size - (gradient * solved).sum((0, 2)))
            turn = change / np.maximum(squared, 1e-300)
        way = turn[None, :, None] * self.way - solved
        way = np.where(((way * self.gradient).sum((0, 2)) < 0)[None, :, None], way, -solved)
        self._before, self.way = (self.gradient, size), way
        self._go(way)
        self._look()

    def _go(self, way: np.ndarray) -> None:
        outward = self.axes.outward(way)
        moved = [scores_by(each.features, beside(each, outward)) for each in self.blocks]
        length = self._length(way, moved)
        self.weights = self.weights + length[None, :, None] * way
        self.scores = [
            moved_on(scores, move, jax.device_put(np.float32(length), device_of(block)))
            for block, scores, move in zip(self.blocks, self.scores, moved, strict=True)
        ]

    def _length(self, way: np.ndarray, moved: list[jax.Array]) -> np.ndarray:
        """Of the way to its lowest point [groups], by Newton's method between bounds."""
        ridge = self.axes.ridge[:, None, None]
        first, second = ((ridge * way * each).sum((0, 2)) for each in (self.weights, way))
        small = _LINE_TOLERANCE * np.abs((way * self.gradient).sum((0, 2)))
        # With this metric a step is about as long as its direction.
        length, low = np.ones(len(small)), np.zeros(len(small))
        high = np.full(len(small), np.inf)
        for _ in range(_LINE_STEPS):
            at = [jax.device_put(np.float32(length), device_of(block)) for block in self.blocks]
            slopes, bends = self._each(derivatives_along, self.scores, moved, at)
            slope = first + length * second + self.C * slopes
            bend = second + self.C * bends
            far = np.abs(slope) > small
            if not far.any():
                break
            low, high = np.where(slope < 0, length, low), np.where(slope < 0, high, length)
            better = length - slope / np.maximum(bend, 1e-300)
            middle = np.where(np.isinf(high), 2 * length + 1, (low + high) / 2)
            better = np.where((better > low) & (better < high), better, middle)
            length = np.where(far, better, length)
        return length
