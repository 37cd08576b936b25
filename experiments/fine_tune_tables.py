"""The sections of BENCHMARKS.md on fine-tuning and on which layers transfer."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.fine_tune import size_name
from experiments.fine_tune_images import row_name
from experiments.layer_tasks import TASKS
from experiments.published import YOSINSKI, YOSINSKI_BASE
from experiments.regime_rows import ROWS
from experiments.transfer_layers import KINDS
from experiments.transfer_pairs import PAIRS
from experiments.tuned_nets import ROWS as IMAGE_ROWS, TUNED
from jtransfer.measure import markdown_table, mean_std


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
                about.name,
                *(_accuracy(by_row[row].get(size), "target_accuracies") for size in sizes),
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
            f"{_listed(first['seeds'])}, which draw the labelled images, the new parameters and "
            f"the order.{alone} SGD, momentum {first['momentum']}, batch {first['batch']}, "
            f"{steps} steps (the more with all images), rate falling as a cosine. "
            f"It is chosen from {_listed(first['rates'])} by a held-out fifth of the labelled "
            f"images, and is the first with fewer than 5 a class. Decided after a look at the "
            f"target's test accuracy: {pair.seen}.",
            markdown_table(header, rows),
            f"A frozen trunk's features are computed once. {_made_by(cells)}",
        ]
    return "\n\n".join(parts) + "\n" if parts else ""


def layer_transfer(results: list[dict[str, Any]]) -> str:
    """A section for every task: a line for every kind, a column for every number of layers."""
    parts = ["## Which layers transfer"] if results else []
    for name, task in TASKS.items():
        cells = {
            (each["kind"], each["layers"]): each
            for each in results
            if each["task"] == name and each["kind"] in KINDS
        }
        if not cells:
            continue
        counts = sorted({count for _, count in cells})
        first = next(iter(cells.values()))
        rows = [
            [kind, *(_accuracy(cells.get((kind, count)), "accuracies") for count in counts)]
            for kind in KINDS
            if any(key[0] == kind for key in cells)
        ]
        parts += [
            f"### `{task.data}`, halves of its classes",
            f"Accuracy on B with the first n layers copied, mean ± deviation over the splits of "
            f"seeds {_listed(first['seeds'])}; B's own net, trained from scratch, has "
            f"{mean_std(first['base_accuracies'])}. Every net has {first['steps']:,} steps of SGD, "
            f"batch {first['batch']}, rate {first['rate']} falling as a cosine, momentum "
            f"{first['momentum']}. Decided after a look at test accuracies: {task.seen}.",
            markdown_table(["n", *map(str, counts)], rows),
            _published() + " " + _made_by([*cells.values()]),
        ]
    return "\n\n".join(parts) + "\n" if parts else ""


def _published() -> str:
    lines = "; ".join(
        f"{kind} " + " ".join(f"{value:.3f}" for value in values)
        for kind, values in YOSINSKI.items()
    )
    return (
        "For orientation, Yosinski et al. 2014 on halves of ImageNet, n from 1 to 7, B's own net "
        f"{YOSINSKI_BASE:.3f}: {lines}."
    )


def _accuracy(cell: dict[str, Any] | None, key: str) -> str:
    return mean_std(cell[key]) if cell else "–"


def _costs(cells: dict[int, dict[str, Any]]) -> list[str]:
    """Rates that were chosen, time of a step, time of all the row's cells."""
    rates = sorted({rate for each in cells.values() for rate in each["chosen_rates"]})
    step = min(each["milliseconds_a_step"] for each in cells.values())
    seconds = sum(each["seconds"] for each in cells.values())
    return [_listed(rates), f"{step:.2g} ms", f"{seconds:,.0f} s"]


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _made_by(cells: Sequence[dict[str, Any]]) -> str:
    devices = ", ".join(sorted({each["made_by"]["device"] for each in cells}))
    versions = cells[0]["made_by"]["versions"]
    return f"{devices}; jax {versions['jax']}, flax {versions['flax']}."


def cached_gain(cells: list[dict[str, Any]]) -> str:
    """How many times faster a step on cached features is than one that moves everything."""
    steps = {
        row: [each["milliseconds_a_step"] for each in cells if each["row"] == row]
        for row in ("frozen", "full")
    }
    if not all(steps.values()):
        return ""
    gain = np.median(steps["full"]) / np.median(steps["frozen"])
    return f" A linear head's step on cached features is {gain:,.0f} times as fast as a full step."


def fine_tuned_images(results: list[dict[str, Any]]) -> str:
    """A table for every net, resolution and length: a line for every row."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    shared = ("data", "net", "size", "epochs", "batch", "train", "test_at_most")
    for each in results:
        # The first results were not keyed by what they came from.
        came_from = (each.get("fingerprint"), each.get("weights"))
        groups[*(each[name] for name in shared), *came_from].append(each)
    parts = ["## Fine-tuning nets that were trained on ImageNet"] if groups else []
    for (data, net, size, epochs, *_), cells in groups.items():
        rows = []
        for name in ("probe", *IMAGE_ROWS):
            runs = [each for each in cells if each["row"] == name]
            if runs:
                steps = [each["milliseconds_a_step"] for each in runs if "steps" in each]
                rates = sorted({each["rate"] for each in runs if "rate" in each})
                rows.append(
                    [
                        row_name(name),
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
            + f" Decided after a look at test accuracies: {TUNED[net].seen}."
        )
        header = ["regime", "accuracy", "seeds", "rate", "a step", "a run"]
        parts.append(markdown_table(header, rows))
        versions = first["made_by"]["versions"]
        parts.append(
            f"{first['made_by']['device']}; jax {versions['jax']}, flax {versions['flax']}."
        )
    return "\n\n".join(parts) + "\n" if parts else ""
