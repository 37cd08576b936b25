"""The table of nets that were trained on ImageNet, and what of it stands on the front page."""

from collections import defaultdict
from typing import Any

import numpy as np

from experiments.fine_tune_images.rows import ROWS, RowName, rows_of
from experiments.headline import Headline
from jtransfer.measure import markdown_table, mean_std

# Rows in which the trunk moves.
MOVING: tuple[RowName, ...] = ("slow_trunk", "full", "lp_ft", "scratch")
Results = list[dict[str, Any]]


def alike(results: Results) -> dict[tuple[Any, ...], Results]:
    """The results that differ by row and seed alone, by data, net, size, epochs and the rest."""
    groups: dict[tuple[Any, ...], Results] = defaultdict(list)
    shared = ("data", "net", "size", "epochs", "batch", "train", "test_at_most")
    for each in results:
        # The first results were not keyed by what they came from.
        came_from = (each.get("fingerprint"), each.get("weights"))
        groups[*(each[name] for name in shared), *came_from].append(each)
    return groups


def headlines(results: Results) -> list[Headline]:
    """The linear probe and the best regime in which the trunk moves, for every net."""
    lines = []
    for (data, net, size, *_), cells in alike(results).items():
        by_row: dict[RowName, list[float]] = {
            row: [each["accuracy"] for each in cells if each["row"] == row]
            for row in ROWS
            if any(each["row"] == row for each in cells)
        }
        moving: list[RowName] = [row for row in MOVING if row in by_row]
        shown: list[RowName] = ["probe"]
        if moving:
            shown.append(max(moving, key=lambda row: np.mean(by_row[row])))
        lines += [
            Headline(f"{data} by {net}, {size} pixels: {ROWS[row].title}", mean_std(by_row[row]))
            for row in shown
            if row in by_row
        ]
    return lines


def cached_gain(cells: Results) -> str:
    """How many times faster a step on cached features is than one that moves everything."""
    steps = {
        row: [each["milliseconds_a_step"] for each in cells if each["row"] == row]
        for row in ("frozen", "full")
    }
    if not all(steps.values()):
        return ""
    gain = np.median(steps["full"]) / np.median(steps["frozen"])
    return f" A linear head's step on cached features is {gain:,.0f} times as fast as a full step."


def fine_tuned_images(results: Results) -> str:
    """A table for every net, resolution and length: a line for every row."""
    groups = alike(results)
    parts = ["## Fine-tuning nets that were trained on ImageNet"] if groups else []
    for (data, net, size, epochs, *_), cells in groups.items():
        rows = []
        for name, row in ROWS.items():
            runs = [each for each in cells if each["row"] == name]
            if runs:
                steps = [each["milliseconds_a_step"] for each in runs if "steps" in each]
                rates = sorted({each["rate"] for each in runs if "rate" in each})
                rows.append(
                    [
                        row.title,
                        mean_std([each["accuracy"] for each in runs]),
                        ", ".join(str(each["seed"]) for each in runs),
                        ", ".join(f"{rate:g}" for rate in rates) or "–",
                        f"{np.median(steps):,.1f} ms" if steps else "–",
                        f"{np.mean([each['seconds'] for each in runs]) / 60:.1f} min",
                    ]
                )
        first = cells[0]
        parts.append(f"### `{data}` by {net}, {size} pixels")
        parts.append(
            f"{first['train']} images a class to train, at most {first['test_at_most']} of the "
            f"rest to test, mean accuracy per class; {epochs} epochs where the trunk moves, batch "
            f"{first['batch']}, SGD with momentum .9, rate falling as a cosine, last step. Frozen "
            "trunks' features are cached. The time of a run includes the choice of the rate; runs "
            "shared the machine with others, so that times are upper bounds."
            + cached_gain(cells)
            + f" Decided after a look at test accuracies: {rows_of(net).seen}."
        )
        header = ["regime", "accuracy", "seeds", "rate", "a step", "a run"]
        parts.append(markdown_table(header, rows))
        versions = first["made_by"]["versions"]
        parts.append(
            f"{first['made_by']['device']}; jax {versions['jax']}, flax {versions['flax']}."
        )
    return "\n\n".join(parts) + "\n" if parts else ""
