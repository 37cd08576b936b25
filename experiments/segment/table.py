"""The table of fully convolutional nets, and what of it stands on the front page."""

from collections import defaultdict
from typing import Any

import numpy as np

from experiments.headline import Headline
from experiments.made_by import made_by
from jtransfer.measure import console_table, markdown_table, mean_std

Results = list[dict[str, Any]]

ROWS = {
    "32s": "FCN-32s",
    "16s": "FCN-16s, from 32s",
    "8s": "FCN-8s, from 16s",
    "8s_scratch": "FCN-8s, from scratch",
}
NUMBERS = {
    "mean_iou": "mean IoU",
    "mean_accuracy": "mean accuracy",
    "pixel_accuracy": "pixel accuracy",
    "frequency_weighted_iou": "frequency weighted IoU",
}


def alike(results: Results) -> dict[tuple[Any, ...], Results]:
    """The results that differ by row and seed alone."""
    groups: dict[tuple[Any, ...], Results] = defaultdict(list)
    for each in results:
        steps = each["steps"] // (3 if each["row"] == "8s_scratch" else 1)
        seen = tuple(tuple(each.get(name) or ()) for name in ("size", "window"))
        learned = steps, each["batch"], each["learning_rate"]
        groups[each["data"], each["net"], _coarsest(each), *learned, *seen].append(each)
    return groups


def _coarsest(result: dict[str, Any]) -> str:
    """The stage that the coarsest scores read, which was block7 of the nets when none was named."""
    return (result.get("scored") or ("block7",))[0]


def _lines(cells: Results) -> list[list[str]]:
    lines = []
    for row, title in ROWS.items():
        runs = [each for each in cells if each["row"] == row]
        if runs:
            minutes = np.mean([each["seconds"] for each in runs]) / 60
            lines.append(
                [
                    title,
                    *(mean_std([each[name] for each in runs]) for name in NUMBERS),
                    ", ".join(str(each["seed"]) for each in runs),
                    f"{runs[0]['steps']:,}",
                    f"{minutes:.1f} min",
                ]
            )
    return lines


_HEADER = ["net", *NUMBERS.values(), "seeds", "steps", "a run"]


def table(results: Results) -> str:
    """For the terminal."""
    return console_table(_HEADER, _lines(results))


def segmentation(results: Results) -> str:
    """A table for every data set, net and length, and each class's IoU."""
    parts = ["## Fully convolutional nets"] if results else []
    for (data, net, coarsest, steps, batch, rate, size, window), cells in alike(results).items():
        first, finest = cells[0], [each for each in cells if each["row"] == "8s"]
        train, val, test = first["images"]
        parts.append(f"### `{data.rpartition(':')[0]}` by {net}")
        parts.append(
            f"{train:,} images to train, {val:,} to choose the step by, {test:,} to test; "
            f"{steps:,} steps a stage, batch {batch}, Adam at {rate:g} falling as a cosine, the "
            f"published trunk at {first['trunk_rate']:g} of it; images{_pixels(' of', size)} are "
            f"scaled, cut out{_pixels(' to', window)} and mirrored at random, their light changed "
            f"by up to {first['jitter']:g}. FCN-32s scores the maps of `{coarsest}`. The stages "
            "follow one another, so that 8s has seen as many steps as the net from scratch."
        )
        parts.append(markdown_table(_HEADER, _lines(cells)))
        if finest:
            iou = np.mean([each["iou"] for each in finest], axis=0)
            parts.append("IoU of each class, FCN-8s, mean over seeds:")
            parts.append(markdown_table(finest[0]["classes"], [[f"{value:.3f}" for value in iou]]))
        parts.append(f"{made_by(first)}.")
    return "\n\n".join(parts) + "\n" if parts else ""


def _pixels(before: str, size: tuple[int, ...]) -> str:
    return f"{before} {size[1]} x {size[0]} pixels" if size else ""


def headlines(results: Results) -> list[Headline]:
    """The finest net of each data set."""
    lines = []
    for (data, net, coarsest, _, _, _, size, _), cells in alike(results).items():
        runs = [each["mean_iou"] for each in cells if each["row"] == "8s"]
        if runs:
            images = f"{data.rpartition(':')[0]}{_pixels(' of', size)}"
            name = f"{images}: FCN-8s of {net} up to `{coarsest}`, mean IoU"
            lines.append(Headline(name, mean_std(runs)))
    return lines
