"""Rows of the tables, as they are printed and as the page has them."""

from typing import Any

from jtransfer.data.synthetic.attribute_world import GROUPS
from jtransfer.measure import mean_std
from jtransfer.recipes.zero_shot.methods import METHODS

# What is known about the classes, in the table's words.
SIDES = {
    "continuous": "continuous attributes",
    "binary": "binary attributes",
    "words": "word vectors",
    "both": "attributes and words",
}


def grid_row(result: dict[str, Any]) -> list[str]:
    """A cell's numbers: validation, zero-shot, S U H without and with calibration, area."""
    runs = result["measured"]

    def over_seeds(kind: str) -> list[str]:
        return [mean_std([run[kind][letter] for run in runs]) for letter in "SUH"]

    return [
        METHODS[result["method"]].title,
        SIDES[result["side"]],
        f"{result['validation']:.3f}",
        mean_std([run["accuracy"] for run in runs]),
        *over_seeds("uncalibrated"),
        *over_seeds("calibrated"),
        mean_std([run["area"] for run in runs]),
    ]


GRID_HEADER = [
    "method",
    "known about the classes",
    "validation classes",
    "unseen classes",
    *("S", "U", "H"),
    *("S cal.", "U cal.", "H cal."),
    "area",
]


def attribute_rows(results: list[dict[str, Any]]) -> list[list[str]]:
    """A row for every group of attributes: told right in images of known and of unseen classes."""
    kinds = ("known", "unseen")
    return [
        [name, *(mean_std([run["attributes"][name][kind] for run in results]) for kind in kinds)]
        for name in GROUPS
    ]


def class_row(results: list[dict[str, Any]]) -> list[str]:
    """Accuracies over seeds, as under `CLASS_HEADER`."""
    generalised = [
        mean_std([run[kind][letter] for run in results])
        for kind in ("uncalibrated", "calibrated")
        for letter in "SUH"
    ]
    rules = [run["validation"][run["rule"]] for run in results]
    return [
        mean_std(rules),
        mean_std([run["accuracy"] for run in results]),
        mean_std([run["all_right"] for run in results]),
        *generalised,
        mean_std([run["area"] for run in results]),
    ]


CLASS_HEADER = ["validation classes", "unseen classes", "all attributes right"]
CLASS_HEADER += ["S", "U", "H", "S cal.", "U cal.", "H cal.", "area"]
ATTRIBUTE_HEADER = ["told right", "known combinations", "unseen combinations"]


def found_rows(result: dict[str, Any]) -> list[list[str]]:
    """How often classes are found, as under `FOUND_HEADER`, by the share that is guessed."""
    return [
        [f"{float(share):.0%}", mean_std(result["found"][share]), mean_std(runs)]
        for share, runs in result["found_or_alike"].items()
    ]


FOUND_HEADER = ["attributes guessed", "found", "found, or one alike"]
