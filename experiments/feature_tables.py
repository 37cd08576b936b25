"""The sections of BENCHMARKS.md on frozen features."""

from collections import defaultdict
from typing import Any

import numpy as np

from experiments.probe_layers import (
    HEADS,
    accuracies,
    chosen_penalties,
    published_column,
    seconds_a_fold,
)
from experiments.published import RETRIEVAL
from jtransfer.measure import markdown_table, mean_std

SCALINGS = {"l2": "length 1", "mean": "mean length 1"}


def layer_probes(results: list[dict[str, Any]]) -> str:
    """A section for every data set and net, a row for every layer, classifier and scaling."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["data"], result["net"].removesuffix("_unpooled")].append(result)
    parts = ["## A linear classifier on every layer"] if results else []
    for (data, net), cells in groups.items():
        column, numbers = published_column(data)
        # The published net is an AlexNet of a kind; its numbers stand beside no other's layers.
        beside = numbers if net.startswith("alexnet") else {}
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


def by_penalty(cells: list[dict[str, Any]]) -> str:
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


def retrieval(results: list[dict[str, Any]]) -> str:
    """A table of all nets and representations."""
    if not results:
        return ""
    rows = []
    for each in results:
        for name, measured in each["measured"].items():
            label = f"{each['net']} {each['layer']}, {name}"
            rows.append([label, *(f"{value:.3f}" for value in measured.values())])
    columns = list(next(iter(results[0]["measured"].values())))
    published = "; ".join(
        f"{name}: " + ", ".join(f"{place} {value:.3f}" for place, value in places.items())
        for name, places in RETRIEVAL.items()
    )
    first = results[0]
    return (
        "\n\n".join(
            [
                "## Retrieval",
                f"{first['queries']} queries of each class in all other images of "
                f"`{first['features']['data'].split()[0]}`, exact search by cosine, seed "
                f"{first['seed']}; PCA to {first['components']} components, signed power "
                f"{first['power']:g}.",
                markdown_table(["features", *columns], rows),
                f"For orientation, mAP of Sharif Razavian et al. 2014 on landmarks: {published} "
                f"(the last with augmentation and spatial search). {made_by(first)}.",
            ]
        )
        + "\n"
    )


def few_shot(results: list[dict[str, Any]]) -> str:
    """A row for every net and classifier, a column for every number of shots."""
    if not results:
        return ""
    first = results[0]
    rows = [
        [
            f"{each['net']} {each['layer']}, {name}",
            *(f"{mean:.3f} ± {half:.3f}" for mean, half in by_shots.values()),
        ]
        for each in results
        for name, by_shots in each["measured"].items()
    ]
    times = ", ".join(f"{each['seconds']} s ({each['net']})" for each in results)
    solved = len(first["measured"]) * len(first["shots"]) * first["episodes"]
    return (
        "\n\n".join(
            [
                "## Few-shot",
                f"Episodes of {first['ways']} classes of "
                f"`{first['features']['data'].split()[0]}`, {first['queries']} queries a class, "
                f"{first['episodes']:,} episodes for each number of shots, mean accuracy and 95% "
                "interval over episodes; features of length 1.",
                markdown_table(["features", *(f"{k}-shot" for k in first["shots"])], rows),
                f"All {solved:,} episodes, drawn, compiled and solved: {times}. {made_by(first)}.",
            ]
        )
        + "\n"
    )


def made_by(result: dict[str, Any]) -> str:
    """Device and versions of a result."""
    versions = result["made_by"]["versions"]
    return f"{result['made_by']['device']}; jax {versions['jax']}, flax {versions['flax']}"
