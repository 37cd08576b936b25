"""What a task is: what it answers with, by what it is trained and by what judged."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jtransfer.measure import accuracy
from jtransfer.transfer.multitask.masked_criteria import Criterion, masked_cross_entropy


def class_accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Share that is told right, of [n, classes] logits and [n] labels."""
    return accuracy(outputs.argmax(axis=1), labels)


def explained(outputs: np.ndarray, targets: np.ndarray) -> float:
    """R^2, the share of the targets' variance that is explained: [n, 1] outputs, [n] targets."""
    return float(1 - np.mean((outputs[:, 0] - targets) ** 2) / np.var(targets))


@dataclass(frozen=True)
class Task:
    """A task, by default one of classes.

    Attributes:
      outputs: how many: of logits, or 1 for a number.
      criterion: that it is trained by.
      score: from outputs [n, outputs] and labels [n] to what it is judged by.
    """

    outputs: int
    criterion: Criterion = masked_cross_entropy
    score: Callable[[np.ndarray, np.ndarray], float] = class_accuracy
