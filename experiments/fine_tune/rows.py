"""The rows of the table of fine-tuning: what they are called, and how each trains."""

from dataclasses import dataclass
from typing import Literal

from jtransfer.recipes.finetuning.tuning import Tuning

RowName = Literal[
    "scratch",
    "frozen",
    "frozen_deep",
    "slow_trunk",
    "full",
    "layerwise",
    "gradual",
    "lp_ft",
    "l2_sp",
]


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    title: str
    tuning: Tuning


ROWS: dict[RowName, Row] = {
    "scratch": Row("from scratch", Tuning("scratch")),
    "frozen": Row("frozen, linear head", Tuning("frozen")),
    "frozen_deep": Row("frozen, small deep head", Tuning("frozen", hidden=(100,), dropout=0.5)),
    "slow_trunk": Row("trunk at a tenth", Tuning("slow_trunk")),
    "full": Row("everything", Tuning("full")),
    "layerwise": Row("rate / 2.6 a layer", Tuning("layerwise")),
    "gradual": Row("gradual unfreezing", Tuning("gradual")),
    "lp_ft": Row("probe first (LP-FT)", Tuning("lp_ft")),
    "l2_sp": Row("everything, L2-SP", Tuning("full", penalty=(0.1, 0.01))),
}


def size_name(each: int) -> str:
    """The number of labelled images a class in words."""
    return str(each) if each else "all"
