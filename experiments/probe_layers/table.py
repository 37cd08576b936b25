"""The tables of linear classifiers on layers, and what of them stands on the front page."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.headline import Headline
from experiments.made_by import made_by
from experiments.published import LAYER_PROBES
from jtransfer.measure import console_table, markdown_table, mean_std
from jtransfer.recipes.features.layer_probe import HEADS

SCALINGS = {"l2": "length 1", "mean": "mean length 1"}
Results = list[dict[str, Any]]


def layer_probes(results: Results) -> str:
    """A section for every data set and net, a row for every layer, classifier and scaling."""
    groups: dict[tuple[str, str, str], Results] = defaultdict(list)
    for result in results:
        of = result["data"], result["net"].removesuffix("_unpooled")
        groups[(*of, result.get("maps", "whole"))].append(result)
    parts = ["## A linear classifier on every layer"] if results else []
    for (data, net, maps), cells in groups.items():
        column, beside = published_column(data)[0], numbers_beside(data, net)
        cells = sorted(cells, key=lambda each: (*order(each), each["net"]))
        rows = [
            [
                *cell_name(each),
                f"{each['dims']:,}",
                mean_std(accuracies(each)),
                chosen_penalties(each),
                f"{seconds_a_fold(each):.0f} s",
                *([beside.get((each["head"], each["layer"]), "–")] if beside else []),
            ]
            for each in cells
        ]
        header = ["head (layer)", "features to", "number", "accuracy", "C chosen", "a fold"]
        first = cells[0]
        parts.append(f"### `{data}` by {net}")
        parts.append(
            f"{first['train']} images a class to train, at most {first['test_at_most']} of the "
            f"rest to test, mean accuracy per class over {first['folds']} random folds; C from "
            f"{first['penalties'][0]:g} to {first['penalties'][-1]:g} by "
            f"{first['inner_folds']}-fold cross-validation inside each training set."
            + (" Maps are averaged over their pixels." if maps == "mean" else "")
        )
        parts.append(markdown_table([*header, *([f"ZFNet, {column}"] if beside else [])], rows))
        parts.append("What C does: accuracy by cross-validation inside the training sets.")
        parts.append(by_penalty(cells))
        parts.append(f"{made_by(first)}.")
    return "\n\n".join(parts) + "\n" if parts else ""


def cell_name(result: dict[str, Any]) -> tuple[str, str]:
    """Classifier with layer, and scaling."""
    pool = ", before its pool" if result["net"].endswith("_unpooled") else ""
    return f"{HEADS[result['head']]} ({result['layer']}{pool})", SCALINGS[result["scaling"]]


def by_penalty(cells: Results) -> str:
    """A row for every cell, its validation accuracy at each C."""
    rows = [
        [
            *cell_name(each),
            *(
                f"{np.mean(scores):.3f}"
                for scores in zip(*(fold["validation"] for fold in each["measured"]), strict=True)
            ),
        ]
        for each in cells
    ]
    penalties = [f"C = {C:g}" for C in sorted(cells[0]["penalties"])]
    return markdown_table(["head (layer)", "features to", *penalties], rows)


def order(result: dict[str, Any]) -> tuple[int, str, str]:
    """SVMs before softmax, layers in order of their names, the usual scaling first."""
    return [*HEADS].index(result["head"]), result["layer"], result["scaling"]


def headlines(results: Results) -> list[Headline]:
    """The best layer of each data set, net and classifier, features to length 1."""
    best: dict[tuple[str, str, int, str], dict[str, Any]] = {}
    for each in sorted((each for each in results if each["scaling"] == "l2"), key=order):
        of = each["data"], each["net"].removesuffix("_unpooled"), each["train"], each["head"]
        if of not in best or np.mean(accuracies(each)) > np.mean(accuracies(best[of])):
            best[of] = each
    rows = []
    for (data, net, train, head), each in best.items():
        published = numbers_beside(data, net).get((head, each["layer"]))
        rows.append(
            Headline(
                f"{data}, {train} images a class: {cell_name(each)[0]} of {net}",
                mean_std(accuracies(each)),
                f"{published} (ZFNet, ECCV 2014)" if published else "–",
            )
        )
    return rows


def numbers_beside(data: str, net: str) -> dict[tuple[str, str], str]:
    """The paper's, of an AlexNet of a kind: they stand beside no other net's layers."""
    return published_column(data)[1] if net.startswith("alexnet") else {}


def accuracies(result: dict[str, Any]) -> list[float]:
    """A cell's mean accuracy per class, a number for each fold."""
    return [each["accuracy"] for each in result["measured"]]


def chosen_penalties(result: dict[str, Any]) -> str:
    """The values of C that a cell's folds chose, each once."""
    return ", ".join(f"{C:g}" for C in sorted({fold["C"] for fold in result["measured"]}))


def seconds_a_fold(result: dict[str, Any]) -> float:
    """Mean time of a cell's folds."""
    return float(np.mean([fold["seconds"] for fold in result["measured"]]))


def published_column(files_name: str) -> tuple[str, dict[tuple[str, str], str]]:
    """Name and entries of the paper's column for a data set; empty for others."""
    return next(
        (
            (column, numbers)
            for column, numbers in LAYER_PROBES.items()
            if files_name.partition(":")[2].startswith(column.lower().replace("-", ""))
        ),
        ("", {}),
    )


def table(results: Sequence[dict[str, Any]], files_name: str) -> str:
    """A row for every classifier and layer, beside the paper's."""
    column, numbers = published_column(files_name)
    rows = [
        [
            f"{HEADS[each['head']]} ({each['layer']})",
            f"{each['dims']:,}",
            mean_std(accuracies(each)),
            chosen_penalties(each),
            f"{seconds_a_fold(each):.1f}",
            numbers.get((each["head"], each["layer"]), "–"),
        ]
        for each in results
    ]
    header = ["head (layer)", "features", "mean accuracy per class", "C", "s a fold"]
    return console_table([*header, f"ZFNet, {column}" if column else "published"], rows)
