"""Accuracy against the number of shots."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.few_shot.config import Config
from jtransfer.measure.bands import bands_figure


def figure(config: Config, result: dict[str, Any], files_name: str, path: Path) -> None:
    """Draw a line for every classifier, its band the 95% interval over episodes."""
    # Two values whose mean and deviation are the mean and half the width of the interval.
    bands_figure(
        {
            name: {
                shots: [mean - half / np.sqrt(2), mean + half / np.sqrt(2)]
                for shots, (mean, half) in by_shots.items()
            }
            for name, by_shots in result["measured"].items()
        },
        path,
        places=[str(each) for each in config.shots],
        xlabel="images a class to learn from",
        ylabel=f"accuracy, {config.ways} classes",
        title=f"{files_name} by {config.net} {config.chosen_layer}: few-shot",
    )
