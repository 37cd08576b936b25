"""The tables of zero-shot learning, and what of them stands on the front page."""

from typing import Any

from experiments.headline import Headline
from experiments.published import ZERO_SHOT
from experiments.zero_shot.rows import (
    ATTRIBUTE_HEADER,
    CLASS_HEADER,
    FOUND_HEADER,
    GRID_HEADER,
    SIDES,
    attribute_rows,
    class_row,
    found_rows,
    grid_row,
)
from jtransfer.measure import markdown_table, mean_std
from jtransfer.recipes.zero_shot.methods import METHODS


def zero_shot(results: list[dict[str, Any]]) -> str:
    """A part for every data set."""
    parts = ["## Zero-shot learning"] if results else []
    for data in sorted({each["data"] for each in results}, key=lambda name: (":" in name, name)):
        cells = [each for each in results if each["data"] == data]
        if data.startswith("synthetic:"):
            parts.extend(_world(data, cells))
        elif data.startswith("csv:"):
            parts.extend(_table(data, cells[0]))
        else:
            parts.extend(_grid(data, cells))
        devices = ", ".join(sorted({each["made_by"]["device"] for each in cells}))
        versions = cells[0]["made_by"]["versions"]
        parts.append(f"{devices}; jax {versions['jax']}, flax {versions['flax']}.")
    return "\n\n".join(parts) + "\n" if parts else ""


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """The rows of papers, the one that validation classes favour, and the drawn combinations."""
    rows = []
    for data in sorted({each["data"] for each in results if "measured" in each}):
        cells = sorted((each for each in results if each["data"] == data), key=_order)
        published = ZERO_SHOT.get(data, {})
        favoured = max(cells, key=lambda each: each["validation"])
        for each in cells:
            # The papers' numbers are with binary attributes.
            of_paper = each["method"] in published and each["side"] == "binary"
            if of_paper or each is favoured:
                rows.append(
                    Headline(
                        f"{data}, unseen classes: {METHODS[each['method']].title}, "
                        f"{SIDES[each['side']]}",
                        mean_std([run["accuracy"] for run in each["measured"]]),
                        f"{published[each['method']]} (CVPR 2009, more features)"
                        if of_paper
                        else "–",
                    )
                )
    drawn = [each for each in results if "all_right" in each]
    for steps in sorted({each["steps"] for each in drawn})[-1:]:
        runs = [each for each in drawn if each["steps"] == steps]
        rows.append(
            Headline(
                f"{runs[0]['data']}, unseen combinations: a net that learned attributes",
                mean_std([each["accuracy"] for each in runs]),
            )
        )
    return rows


def _grid(data: str, cells: list[dict[str, Any]]) -> list[str]:
    """A row for every kind of knowledge and method."""
    cells = sorted(cells, key=_order)
    first = cells[0]
    published = ZERO_SHOT.get(data, {})
    unseen = len(first["measured"][0]["confusion"])
    sizes = ", ".join(f"{name} {length:g}" for name, length in first["features"].items())
    rows = [[*grid_row(each), published.get(each["method"], "–")] for each in cells]
    parts = [
        f"### {data}, {unseen} unseen classes, chance {1 / unseen:.3f}",
        f"Features: square roots of histograms, each descriptor scaled to a length ({sizes}), "
        f"which ESZSL's accuracy on validation classes favoured. Every setting was chosen by "
        f"the accuracy on validation classes, the seen ones cut into {first['folds']} folds; "
        "mean accuracy per class. S, U and H are of the generalised case, where all classes "
        f"compete: one in {first['held_out']} images of every seen class is held out and "
        "tested beside the unseen classes; *cal.* with the calibration that validation classes "
        "chose; area under S over U. Methods that are trained by gradient: mean ± standard "
        "deviation over seeds.",
        markdown_table([*GRID_HEADER, "published"], rows),
    ]
    if published:
        parts.append(
            "Published with all six hand-made features and binary attributes; only rgsift and "
            "phog are at hand, so that the numbers do not compare one to one."
        )
    return parts


def _world(data: str, cells: list[dict[str, Any]]) -> list[str]:
    """How well attributes and combinations are told, for each length of training."""
    first = cells[0]
    unseen = first["unseen"]
    parts = [f"### `{data}`, {unseen} unseen combinations, chance {1 / unseen:.3f}"]
    for steps in sorted({each["steps"] for each in cells}):
        runs = [each for each in cells if each["steps"] == steps]
        seeds = ", ".join(str(each["seed"]) for each in runs)
        parts += [
            f"Trained on images of {first['known']} combinations of attributes for {steps:,} "
            f"steps, {first['validation_classes']} others held out to choose by, seeds {seeds}; "
            "S, U and H as above, of trained and unseen combinations. "
            "A combination is named by its row of the table, so that it may be found where not "
            "every attribute is told right.",
            markdown_table(CLASS_HEADER, [class_row(runs)]),
            markdown_table(ATTRIBUTE_HEADER, attribute_rows(runs)),
        ]
    return parts


def _table(data: str, result: dict[str, Any]) -> list[str]:
    """What a table of attributes tells apart, without an image."""
    groups = "; ".join(f"{', '.join(group[:-1])} and {group[-1]}" for group in result["alike"])
    needed = sorted(result["only_by"].items(), key=lambda each: -each[1])
    alone = ", ".join(f"{name} {pairs}" for name, pairs in needed if pairs)
    return [
        f"### `{data}`, {result['classes']} classes looked up by {result['attributes']} attributes",
        f"{result['distinct']} different rows: {result['pairs_alike']} pairs of classes are told "
        f"apart by no attribute ({groups or 'none'}). Pairs that one attribute alone tells apart: "
        f"{alone or 'none'}.",
        "Classes found where a share of their attributes is guessed (that of a random class); "
        f"chance {1 / result['classes']:.3f}:",
        markdown_table(FOUND_HEADER, found_rows(result)),
    ]


def _order(result: dict[str, Any]) -> tuple[int, int]:
    return list(SIDES).index(result["side"]), list(METHODS).index(result["method"])
