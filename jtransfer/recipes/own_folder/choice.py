"""Which layer, probe and penalty: chosen without the fold that the choice is judged on."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from jtransfer.data.splits import stratified_folds
from jtransfer.measure.calibration import fit_temperature, log_loss
from jtransfer.measure.metrics import mean_per_class_accuracy
from jtransfer.transfer.features.example_weights import balanced, even
from jtransfer.transfer.features.held_out_scores import (
    Fitting,
    Probe,
    held_out_scores,
)

# For features of length 1.
PENALTIES: Mapping[Probe, tuple[float, ...]] = {
    "ridge": tuple(10.0**power for power in (-3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1)),
    "nearest mean": (1.0,),
    "softmax": tuple(4.0**power for power in range(-2, 4)),
}
MOST_FOLDS, FEWEST = 5, 3
# Largest class over smallest from which on weights that even them out are tried.
_UNEVEN = 1.5
# Multiplications from which on the softmax is left out: a minute or so of two cores.
_SOFTMAX_WORK = 3e12
_SOFTMAX_ITERATIONS = 40  # about, at each C


@dataclass(frozen=True)
class Candidate:
    """A way to make the model.

    Attributes:
      trunk: name of the net.
      layer: of it.
      probe: that is fitted to it.
      balanced: whether every class counts the same, however many images it has.
      penalty: of the probe.
    """

    trunk: str
    layer: str
    probe: Probe
    balanced: bool
    penalty: float

    def __str__(self):
        return f"{self.trunk} {self.layer}, {self.probe}{' balanced' * self.balanced}"


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best candidate of those whose judges did not see some fold.

    Attributes:
      candidate: the best.
      accuracy: mean accuracy per class by which it was chosen.
      scores: [n, folds, classes], see `held_out_scores`.
      loss: log loss at the best temperature.
    """

    candidate: Candidate
    accuracy: float
    scores: np.ndarray
    loss: float


@dataclass(frozen=True)
class Tried:
    """One trunk, layer and probe at its best penalty.

    Attributes:
      candidate: with that penalty.
      accuracy: mean accuracy per class by cross-validation on all the images.
      seconds: that it took.
    """

    candidate: Candidate
    accuracy: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Nested:
    """A choice on all folds, and one without each of them.

    Attributes:
      folds: [n], the fold of each example.
      whole: chosen on all folds, for the model.
      without: chosen without each fold, to judge the choosing by.
      tried: all that was tried, in order.
      left_out: why something was not tried, a sentence each.
    """

    folds: np.ndarray
    whole: Chosen
    without: tuple[Chosen, ...]
    tried: tuple[Tried, ...]
    left_out: tuple[str, ...]


Layers = Mapping[tuple[str, str], np.ndarray]  # (trunk, layer): features [n, dims] of length 1


def choose(
    layers: Layers,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    seed: int = 0,
    balance: bool | None = None,
    folds: np.ndarray | None = None,
) -> Nested:
    """Choose by cross-validation, on all the folds and without each of them.

    Ridge regression and the nearest mean are tried on every layer, the softmax, which takes longer,
    on the layer that ridge regression does best on; without a fold, on the layer that is best
    without it. The criterion is mean accuracy per class; among those within a standard error of
    the best (Breiman et al. 1984) the lowest log loss decides, each at its best temperature: which
    of many candidates is right on one image more is chance.

    Args:
      layers: features by trunk and layer.
      labels: [n] integers, positions in `classes`.
      classes: their names.
      seed: of the folds.
      balance: whether classes count the same however many images they have; None to let the
        criterion decide where they differ in size.
      folds: [n] integers from 0, such as ones that keep a group together; None to cut five, or as
        many as the smallest class has images, that have each class in the same share.

    Raises:
      DataError: naming the classes with fewer than three images.
    """
    if folds is None:
        folds = _stratified(labels, classes, seed)
    race = _Race(labels, folds, len(classes))
    weightings = _weightings(labels, balance)
    softmax = _softmax_work(len(labels), race.count, len(classes)) <= _SOFTMAX_WORK
    total = len(layers) * (len(weightings) + 1) + softmax * len(weightings)
    with tqdm(total=total, unit="probe", disable=None, leave=False) as bar:

        def enter(place: tuple[str, str], probe: Probe, even_out: bool) -> None:
            bar.set_description(f"cross-validation: {probe} on {place[0]} {place[1]}")
            race.enter(*place, probe, layers[place], even_out)
            bar.update()

        for place in layers:
            enter(place, "nearest mean", False)
            for even_out in weightings:
                enter(place, "ridge", even_out)
        if softmax:
            for place in race.best_layers():
                for even_out in weightings:
                    enter(place, "softmax", even_out)
    left_out = (
        ()
        if softmax
        else (
            f"the softmax was not tried: with {len(labels):,} images of {len(classes)} classes its "
            "cross-validation would take minutes, and ridge regression is about as good there",
        )
    )
    whole, *without = race.chosen
    return Nested(folds, whole, tuple(without), tuple(race.tried), left_out)


def _stratified(labels: np.ndarray, classes: Sequence[str], seed: int) -> np.ndarray:
    fewest = int(np.bincount(labels, minlength=len(classes)).min())
    count = min(MOST_FOLDS, max(FEWEST, fewest))
    folds = np.zeros(len(labels), int)
    for number, (_, held) in enumerate(stratified_folds(labels, count, seed=seed, classes=classes)):
        folds[held] = number
    return folds


def _weightings(labels: np.ndarray, balance: bool | None) -> tuple[bool, ...]:
    if balance is not None:
        return (balance,)
    counts = np.bincount(labels)
    return (False, True) if counts.max() > _UNEVEN * counts[counts > 0].min() else (False,)


def _softmax_work(n: int, folds: int, classes: int) -> float:
    models = folds * (folds + 1) / 2
    return len(PENALTIES["softmax"]) * _SOFTMAX_ITERATIONS * 2.0 * n**2 * models * classes


class _Race:
    """The best so far on all folds, and without each."""

    def __init__(self, labels: np.ndarray, folds: np.ndarray, classes: int):
        self.labels, self.folds, self.classes = labels, folds, classes
        self.count = int(folds.max()) + 1
        self.ahead: list[list[Chosen]] = [[] for _ in range(self.count + 1)]
        self.allowed: list[set[tuple[str, str]]] = []
        self.tried: list[Tried] = []

    @property
    def chosen(self) -> list[Chosen]:
        """Of those within a standard error of the best, the one of the lowest log loss."""
        return [min(self._close(each), key=lambda one: one.loss) for each in self.ahead]

    def best_layers(self) -> list[tuple[str, str]]:
        """The layers that lead, on all folds or without one; each may go on with its own alone."""
        self.allowed = [{(each.candidate.trunk, each.candidate.layer)} for each in self.chosen]
        return sorted(set().union(*self.allowed))

    def enter(
        self, trunk: str, layer: str, probe: Probe, features: np.ndarray, even_out: bool
    ) -> None:
        """Let a probe of a layer compete at every penalty."""
        began = time.perf_counter()
        weights = (balanced if even_out else even)(self.labels)
        fitting = Fitting(features, self.labels, self.classes, weights)
        penalties = PENALTIES[probe]
        scores = held_out_scores(fitting, self.folds, probe, penalties)
        accuracies = np.zeros((self.count + 1, len(penalties)))
        for place, penalty in enumerate(penalties):
            candidate = Candidate(trunk, layer, probe, even_out, penalty)
            for judge in range(self.count + 1):
                accuracies[judge, place] = self._judge(judge, candidate, scores[place])
        best = int(accuracies[0].argmax())
        self.tried.append(
            Tried(
                Candidate(trunk, layer, probe, even_out, penalties[best]),
                float(accuracies[0, best]),
                time.perf_counter() - began,
            )
        )

    def _judge(self, judge: int, candidate: Candidate, scores: np.ndarray) -> float:
        """Accuracy on all folds (judge 0) or without fold judge - 1; kept if it may win there."""
        own, labels = seen_by(scores, self.folds, self.labels, judge - 1 if judge else None)
        accuracy = mean_per_class_accuracy(own.argmax(axis=1), labels, self.classes)
        if self.allowed and (candidate.trunk, candidate.layer) not in self.allowed[judge]:
            return accuracy
        others = self.ahead[judge]
        if others and accuracy < self._least(others):
            return accuracy
        loss = log_loss(own, labels, fit_temperature(own, labels))
        if not any(each.accuracy >= accuracy and each.loss <= loss for each in others):
            kept = [each for each in others if each.accuracy > accuracy or each.loss < loss]
            new = Chosen(candidate, accuracy, scores.copy(), loss)
            self.ahead[judge] = self._close([*kept, new])
        return accuracy

    def _close(self, some: list[Chosen]) -> list[Chosen]:
        least = self._least(some)
        return [each for each in some if each.accuracy >= least]

    def _least(self, some: list[Chosen]) -> float:
        """A standard error below the best, one that is not 0 where all are right."""
        best = max(each.accuracy for each in some)
        n = len(self.labels)
        return best - float(np.sqrt((best * (1 - best) + 1 / (4 * n)) / n))


def seen_by(
    scores: np.ndarray, folds: np.ndarray, labels: np.ndarray, without: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Held-out scores and labels of the examples that a choice may look at.

    Args:
      scores: [n, folds, classes], see `held_out_scores`.
      folds: [n].
      labels: [n].
      without: the fold that is left out altogether; None for none.
    """
    rows = np.arange(len(folds))
    if without is None:
        return scores[rows, folds], labels
    rows = rows[folds != without]
    return scores[rows, without], labels[rows]
