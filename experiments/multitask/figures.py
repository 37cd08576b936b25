"""The pictures of a call of `multitask`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.multitask.config import Config
from experiments.multitask.rows import ROWS, TASKS, RowName, size_name
from jtransfer.measure.bands import bands_figure
from jtransfer.measure.panels import panels_figure
from jtransfer.recipes.multitask.run import run_folder_name
from jtransfer.train.run_log import read_records


def figures(config: Config, cells: Mapping[tuple[RowName, int], Any]) -> list[Path]:
    """Draw the digit's accuracy against the number of labels, and the weights over time."""
    accuracy, weights = config.out / "accuracy.png", config.out / "weights.png"
    bands_figure(
        {
            ROWS[row].name: {
                size_name(each): cells[row, each]["scores"]["digit"] for each in config.each
            }
            for row in config.rows
            if "digit" in ROWS[row].tasks
        },
        accuracy,
        places=[*map(size_name, config.each)],
        xlabel="images whose digit is known",
        ylabel="accuracy, digit",
        title="The digit of drawn numbers: alone, and with other tasks",
    )
    least = config.each[0]
    runs = {
        ROWS[row].name: read_records(
            config.out / run_folder_name(row, least, config.steps) / "metrics.jsonl"
        )
        for row in config.rows
        if ROWS[row].learns_weights
    }
    if not runs:
        return [accuracy]
    panels_figure(
        runs,
        weights,
        lines={f"{task}_weight": task for task in TASKS},
        ylabel="weight in the trunk",
        title=f"Weights of the tasks, {size_name(least)} of the digits known, one seed",
    )
    return [accuracy, weights]
