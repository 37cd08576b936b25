"""The learning rate, chosen on a held-out part of the labelled examples."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from jtransfer.data.splits import stratified_folds
from jtransfer.train.loop import NonFiniteLossError
from jtransfer.train.state import TrainState

FOLDS = 5  # the labelled examples are cut into: one to choose the rate, the others to train


class Trainable(Protocol):
    """What a rate is chosen for."""

    def train(self, positions: np.ndarray, learning_rate: float, seed: int) -> TrainState:
        """Train on the examples at `positions`."""
        ...

    def validate(self, state: TrainState, positions: np.ndarray) -> float:
        """Accuracy on the examples at `positions`."""
        ...


def choose_rate(
    trainer: Trainable,
    labels: np.ndarray,
    positions: np.ndarray,
    rates: Sequence[float],
    *,
    seed: int,
) -> float:
    """The rate of the best accuracy on a held-out fifth of the labelled examples.

    Among equals the first; the first as well where a class has too few examples to hold one out.
    """
    counts = np.bincount(labels[positions])
    if len(rates) == 1 or counts[counts > 0].min() < FOLDS:
        return rates[0]
    train, held = stratified_folds(labels[positions], FOLDS, seed=seed)[0]
    scores = []
    for rate in rates:
        try:
            state = trainer.train(positions[train], rate, seed)
            scores.append(trainer.validate(state, positions[held]))
        except NonFiniteLossError:
            scores.append(-1.0)
    return rates[int(np.argmax(scores))]
