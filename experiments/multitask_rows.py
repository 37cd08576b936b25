"""The tasks of the multitask experiment, and the rows of its table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from jtransfer.measure import accuracy
from jtransfer.transfer.multitask.gradient_surgery import PCGrad
from jtransfer.transfer.multitask.learned_task_weights import GradNorm, UncertaintyWeights
from jtransfer.transfer.multitask.masked_criteria import (
    Criterion,
    masked_cross_entropy,
    masked_squared_error,
)
from jtransfer.transfer.multitask.task_weights import FixedWeights, Weighting

FAMILIES = ("DejaVuSansMono", "DejaVuSans", "DejaVuSerif", "STIX", "cm")  # how font names begin


def families(fonts: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The family of each font: [n] integers, of [n] positions in `names`."""
    of = [next(i for i, start in enumerate(FAMILIES) if name.startswith(start)) for name in names]
    return np.array(of, np.int32)[fonts]


def class_accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Share that is told right, of [n, classes] logits and [n] labels."""
    return accuracy(outputs.argmax(axis=1), labels)


def explained(outputs: np.ndarray, targets: np.ndarray) -> float:
    """R^2, the share of the targets' variance that is explained: [n, 1] outputs, [n] targets."""
    return float(1 - np.mean((outputs[:, 0] - targets) ** 2) / np.var(targets))


@dataclass(frozen=True)
class Task:
    """A task: how many outputs, by what it is trained and by what judged."""

    outputs: int
    criterion: Criterion = masked_cross_entropy
    score: Callable[[np.ndarray, np.ndarray], float] = class_accuracy


TASKS = {
    "digit": Task(10),
    "parity": Task(2),
    "font": Task(len(FAMILIES)),
    "rotation": Task(1, masked_squared_error, explained),
}
HELPERS = ("parity", "font", "rotation")

RowName = Literal[
    "digit",
    "parity",
    "font",
    "rotation",
    "digit_parity",
    "digit_font",
    "digit_rotation",
    "equal",
    "fixed",
    "uncertainty",
    "gradnorm",
    "pcgrad",
]


@dataclass(frozen=True)
class Row:
    """A row: which tasks share a trunk, and how they are weighed."""

    name: str
    tasks: tuple[str, ...] = tuple(TASKS)
    weighting: Weighting = field(default_factory=FixedWeights)

    @property
    def learns_weights(self) -> bool:
        """Whether there are weights to draw over time."""
        return not isinstance(self.weighting, FixedWeights)


ROWS: dict[RowName, Row] = {
    "digit": Row("digit alone", ("digit",)),
    "parity": Row("parity alone", ("parity",)),
    "font": Row("font alone", ("font",)),
    "rotation": Row("rotation alone", ("rotation",)),
    "digit_parity": Row("digit + parity", ("digit", "parity")),
    "digit_font": Row("digit + font", ("digit", "font")),
    "digit_rotation": Row("digit + rotation", ("digit", "rotation")),
    "equal": Row("all four, equal"),
    "fixed": Row(
        "all four, the others .3",
        weighting=FixedWeights({"digit": 1.0, "parity": 0.3, "font": 0.3, "rotation": 0.3}),
    ),
    "uncertainty": Row("all four, uncertainty", weighting=UncertaintyWeights()),
    "gradnorm": Row("all four, GradNorm", weighting=GradNorm()),
    "pcgrad": Row("all four, PCGrad", weighting=PCGrad()),
}
