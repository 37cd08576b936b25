"""The tasks of the multitask experiment, and the rows of its table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from jtransfer.recipes.multitask.task import Task, explained
from jtransfer.transfer.multitask.gradient_surgery import PCGrad
from jtransfer.transfer.multitask.learned_task_weights import GradNorm, UncertaintyWeights
from jtransfer.transfer.multitask.masked_criteria import masked_squared_error
from jtransfer.transfer.multitask.task_weights import FixedWeights, Weighting

FAMILIES = ("DejaVuSansMono", "DejaVuSans", "DejaVuSerif", "STIX", "cm")  # how font names begin


def families(fonts: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The family of each font: [n] integers, of [n] positions in `names`."""
    of = [next(i for i, start in enumerate(FAMILIES) if name.startswith(start)) for name in names]
    return np.array(of, np.int32)[fonts]


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


def size_name(each: int) -> str:
    """The number of images a class whose digit is known, in words."""
    return f"{each} a class" if each else "all"
