"""Linear models of any number of examples: `linear_models` takes the way that suits their number.

Of few, products of every two examples are taken once (`LinearFit`). Of many, the weights are the
smaller unknown: `BlockwiseFit` holds the conditioned features in blocks, in single precision and
over all local devices, and nothing that grows faster than the number of examples.
"""

import math
from collections.abc import Iterator

import jax
import numpy as np

from jtransfer.files.memory import let_go, require_memory
from jtransfer.transfer.features.block import Block
from jtransfer.transfer.features.conditioning import Conditioning, blocks as blocks_of
from jtransfer.transfer.features.linear_fit import (
    GRAM_BYTES,
    Fit,
    FoldFits,
    LinearFit,
    rounded,
)
from jtransfer.transfer.features.newton import LOSSES, Found
from jtransfer.transfer.features.penalty_path import Kind
from jtransfer.transfer.features.weight_path import (
    Axes,
    Problems,
    descend,
    scores_of,
    together,
)

# From here on products of every two examples cost more than reading all of them twice.
_MANY = 8192
_SCORES = 2**22  # of a block, about: what is worked on at once stays small
_ROWS = (256, 16384)  # of a block, at least and at most


class BlockwiseFit:
    """Many examples, and the linear models of them.

    Args:
      features: [n, dims], finite; they may be a file that is mapped into memory.
      targets: [n, outputs], 1 for what an example shows, else 0.
      kind: "svm" or "softmax".
    """

    def __init__(self, features: np.ndarray, targets: np.ndarray, kind: Kind):
        self.features, self.targets = np.asarray(features), targets
        self.kind: Kind = kind
        self._outputs = targets.shape[1] if kind == "softmax" else 1  # of a problem
        self.conditioning = Conditioning.of(features, free_bias=kind == "softmax")
        self._found_axes: Axes | None = None

    def one(self, judged: np.ndarray, C: float, *, tolerance: float, most: int) -> Fit:
        """The models at one C of what is judged, [n, outputs] or [n, 1]; see `LinearFit.one`."""
        outputs = self.targets.shape[1]
        problems = Problems.of(self.kind, 1, outputs)
        if judged.shape[1] > 1:
            problems = Problems(self.kind, np.arange(outputs), np.arange(outputs))
        blocks = self._blocks(judged, problems)
        axes = self._axes(blocks)
        found = descend(
            blocks,
            axes,
            problems,
            self._inner(C),
            start=self._nothing(blocks, problems),
            tolerance=tolerance / 2,
            most=most,
        )
        outward = axes.outward(found.weights).reshape(-1, outputs)
        value, excess = self._judge(outward, judged, C)
        return rounded(
            self.conditioning,
            Found(outward, value, excess, found.iterations),
            lambda weights: self._judge(weights, judged, C)[0],
            tolerance=tolerance,
            what=f"the {self.kind} at C = {C:g}",
        )

    def folds(
        self, trained: np.ndarray, Cs: np.ndarray, *, tolerance: float, most: int
    ) -> FoldFits:
        """The models of every C and fold; `trained` is 1 where a fold trains, [n, folds]."""
        n, folds = trained.shape
        predictions = np.zeros((len(Cs), n, folds), np.int32)
        excess, iterations = np.zeros((len(Cs), folds)), np.zeros(len(Cs), int)
        for place, excess[place], iterations[place], scores in self._path(
            trained, Cs, tolerance, most
        ):
            for rows, found in scores:
                predictions[place, rows] = np.asarray(found.argmax(axis=2))
        return FoldFits(predictions, excess, iterations)

    def fold_scores(
        self, trained: np.ndarray, Cs: np.ndarray, *, tolerance: float, most: int
    ) -> np.ndarray:
        """Scores [penalties, n, folds, outputs]; arguments as of `LinearFit.fold_scores`."""
        shape = (len(Cs), *trained.shape, self.targets.shape[1])
        require_memory(4 * int(np.prod(shape)), "the scores of every C and fold", error=ValueError)
        found = np.zeros(shape, np.float32)
        for place, _, _, scores in self._path(trained, Cs, tolerance, most):
            for rows, here in scores:
                found[place, rows] = np.asarray(here)
        return found

    def _path(self, trained: np.ndarray, Cs: np.ndarray, tolerance: float, most: int):
        """Of every C in turn: its place, excess [folds], iterations, and scores by blocks."""
        folds, outputs = trained.shape[1], self.targets.shape[1]
        problems = Problems.of(self.kind, folds, outputs)
        blocks = self._blocks(trained, problems)
        axes, start, newton = self._axes(blocks), self._nothing(blocks, problems), False
        before, shares = start, self._shares_of_moves(Cs)
        for place, C in enumerate(Cs):
            inner = self._inner(float(C))
            found = descend(
                blocks,
                axes,
                problems,
                inner,
                start=start,
                tolerance=tolerance,
                most=most,
                newton=newton,
            )
            newton = found.newton
            start = found.weights + shares[place] * (found.weights - before)
            before = found.weights
            excess = found.excess.reshape(folds, -1).max(axis=1)
            weights = before.reshape(len(before), folds, outputs)
            yield place, excess, found.iterations, self._scores(blocks, axes, weights)

    def _shares_of_moves(self, Cs: np.ndarray) -> np.ndarray:
        """After each C, how much of the last move to begin the next C with, [penalties].

        A softmax's weights go on along the logarithm of C about as they went: where C is multiplied
        by the same again, by all of the move. An SVM's do not, whose support vectors change.
        """
        shares, steps = np.zeros(len(Cs)), np.diff(np.log(Cs))
        if self.kind == "softmax":
            there = steps[:-1] > 0
            shares[1:-1][there] = np.clip(steps[1:][there] / steps[:-1][there], 0, 1)
        return shares

    def _scores(
        self, blocks: list[Block], axes: Axes, weights: np.ndarray
    ) -> Iterator[tuple[slice, jax.Array]]:
        n, size = len(self.features), len(blocks[0].features)
        for rows, block in zip(blocks_of(n, size), blocks, strict=True):
            yield rows, scores_of(block, axes, weights)[: rows.stop - rows.start]

    def _inner(self, C: float) -> float:
        return C * self.conditioning.scale**2

    def _nothing(self, blocks: list[Block], problems: Problems) -> np.ndarray:
        dims = blocks[0].features.shape[1]
        return np.zeros((dims, len(problems.masks), self._outputs))

    def _blocks(self, judged: np.ndarray, problems: Problems) -> list[Block]:
        """All examples, the last block filled up with what counts for nothing.

        `judged` [n, masks] tells how much an example counts.
        """
        n, outputs = self.targets.shape
        dims = self.features.shape[1] + 1
        width = together(n, len(problems.masks), self._outputs) * self._outputs
        require_memory(
            4 * n * (dims + outputs + judged.shape[1] + 5 * width),
            f"{n:,} examples of {dims - 1:,} features with {width:,} scores each",
            error=ValueError,
        )
        most = int(np.clip(_SCORES // width, *_ROWS))
        size = math.ceil(n / math.ceil(n / most))
        devices = jax.local_devices()
        blocks = []
        for number, rows in enumerate(blocks_of(n, size)):
            features = self.conditioning.single(self.features[rows])
            parts = (features, self.targets[rows], judged[rows])
            filled = [_filled(np.asarray(part, np.float32), size) for part in parts]
            device = devices[number % len(devices)]
            blocks.append(Block(*(jax.device_put(part, device) for part in filled)))
        let_go(self.features)
        return blocks

    def _axes(self, blocks: list[Block]) -> Axes:
        """The axes of all examples, whatever is judged."""
        if self._found_axes is None:
            self._found_axes = Axes.of(blocks, self.conditioning.ridge)
        return self._found_axes

    def _judge(
        self, weights: np.ndarray, judged: np.ndarray, C: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The objective and the excess of `newton.minimise` [outputs], in double precision."""
        loss, C = LOSSES[self.kind], self._inner(C)
        ridge = np.append(np.ones(len(weights) - 1), self.conditioning.ridge)[:, None]
        value, gradient = (ridge * weights**2).sum(axis=0) / 2, ridge * weights
        bend = np.zeros(weights.shape[1])
        for rows in blocks_of(len(self.features)):
            x = self.conditioning.rows(self.features[rows])
            scores, y = x @ weights, np.asarray(self.targets[rows], np.float64)
            value = value + C * (judged[rows] * loss.value(scores, y)).sum(axis=0)
            gradient = gradient + C * x.T @ (judged[rows] * loss.slope(scores, y))
            bend += C * (x[:, -1:] ** 2 * judged[rows] * loss.curvature(scores, y)).sum(axis=0)
        convexity = np.repeat(ridge, weights.shape[1], axis=1)
        if not self.conditioning.ridge:
            convexity[-1] = np.maximum(bend, np.finfo(np.float64).tiny)
        squares = (gradient**2 / convexity).sum(axis=0)
        if loss.joint:
            squares, value = (np.full_like(each, each.sum()) for each in (squares, value))
        return value, squares / 2 / value


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    return np.pad(rows, ((0, count - len(rows)), (0, 0)))


LinearModels = LinearFit | BlockwiseFit


def linear_models(features: np.ndarray, targets: np.ndarray, kind: Kind) -> LinearModels:
    """What fits linear models to examples; arguments as of `LinearFit`."""
    n, dims = features.shape
    if n > _MANY and (n > 2 * dims or 4 * n**2 > GRAM_BYTES):
        return BlockwiseFit(features, targets, kind)
    return LinearFit(features, targets, kind)
