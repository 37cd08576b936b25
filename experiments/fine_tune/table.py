"""The table of fine-tuning, and what of it stands on the front page."""

from collections import defaultdict
from typing import Any

import numpy as np

from experiments.fine_tune.pairs import PAIRS
from experiments.fine_tune.rows import ROWS, size_name
from experiments.headline import Headline
from experiments.wording import accuracy_of, listed, made_by
from jtransfer.measure import markdown_table, mean_std

FEW = 10  # labelled images a class, on the front page


def fine_tuning(results: list[dict[str, Any]]) -> str:
    """A section for every pair: a line for every row, a column for every number of labels."""
    parts = ["## Fine-tuning"] if results else []
    for name, pair in PAIRS.items():
        cells = [each for each in results if each["pair"] == name and each["row"] != "source"]
        if not cells:
            continue
        sizes = sorted({each["each"] for each in cells}, key=lambda each: each or np.inf)
        by_row: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        for each in cells:
            by_row[each["row"]][each["each"]] = each
        rows = [
            [
                about.title,
                *(accuracy_of(by_row[row].get(size), "target_accuracies") for size in sizes),
                *_costs(by_row[row]),
            ]
            for row, about in ROWS.items()
            if row in by_row
        ]
        header = ["labelled images a class", *map(size_name, sizes), "rates", "a step", "in all"]
        first = cells[0]
        steps = ", ".join(f"{steps:,}" for steps in sorted({each["steps"] for each in cells}))
        sources = [each for each in results if each["pair"] == name and each["row"] == "source"]
        alone = "".join(
            f" The source net with its own head, no target label used, has "
            f"{each['target_accuracy']:.3f} of the target right ({each['source_accuracy']:.3f} of "
            "the source's test set)."
            for each in sources
        )
        parts += [
            f"### `{pair.source}` → `{pair.target}`",
            f"Accuracy on the target's test set, mean ± deviation over seeds "
            f"{listed(first['seeds'])}, which draw the labelled images, the new parameters and "
            f"the order.{alone} SGD, momentum {first['momentum']}, batch {first['batch']}, "
            f"{steps} steps (the more with all images), rate falling as a cosine. "
            f"It is chosen from {listed(first['rates'])} by a held-out fifth of the labelled "
            f"images, and is the first with fewer than 5 a class. Decided after a look at the "
            f"target's test accuracy: {pair.seen}.",
            markdown_table(header, rows),
            f"A frozen trunk's features are computed once. {made_by(cells)}",
        ]
    return "\n\n".join(parts) + "\n" if parts else ""


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """From scratch and the best regime on 10 labelled images a class, for every pair."""
    lines = []
    for name, pair in PAIRS.items():
        cells = {
            each["row"]: each["target_accuracies"]
            for each in results
            if each["pair"] == name and each.get("each") == FEW
        }
        carried = [row for row in cells if row != "scratch"]
        best = max(carried, key=lambda row: np.mean(cells[row]), default="scratch")
        lines += [
            Headline(
                f"{pair.source} → {pair.target}, {FEW} labelled images a class: {about.title}",
                mean_std(cells[row]),
            )
            for row, about in ROWS.items()
            if row in cells and row in ("scratch", best)
        ]
    return lines


def _costs(cells: dict[int, dict[str, Any]]) -> list[str]:
    """Rates that were chosen, time of a step, time of all the row's cells."""
    rates = sorted({rate for each in cells.values() for rate in each["chosen_rates"]})
    step = min(each["milliseconds_a_step"] for each in cells.values())
    seconds = sum(each["seconds"] for each in cells.values())
    return [listed(rates), f"{step:.2g} ms", f"{seconds:,.0f} s"]
