"""Words that tables of several experiments share."""

from collections.abc import Sequence
from typing import Any

from jtransfer.measure import mean_std

NONE = "–"


def accuracy_of(cell: dict[str, Any] | None, key: str) -> str:
    """Mean and deviation of a cell's accuracies, or a dash where there is no cell."""
    return mean_std(cell[key]) if cell else NONE


def listed(values: Sequence[float]) -> str:
    """Numbers, as short as can be, with commas."""
    return ", ".join(f"{value:g}" for value in values)


def made_by(cells: Sequence[dict[str, Any]]) -> str:
    """The devices that results were made on, and the versions of the first."""
    devices = ", ".join(sorted({each["made_by"]["device"] for each in cells}))
    versions = cells[0]["made_by"]["versions"]
    return f"{devices}; jax {versions['jax']}, flax {versions['flax']}."
