"""Accuracy against depth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.data_names import short_name
from experiments.probe_layers.config import Config
from experiments.probe_layers.table import accuracies, numbers_beside
from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.depth import depth_figure
from jtransfer.recipes.features.layer_probe import HEADS
from jtransfer.recipes.features.nets import deep_net


def figure(config: Config, results: Sequence[dict[str, Any]], files: ImageFiles) -> Path:
    """Draw accuracy against depth."""
    order = deep_net(config.net).build().stage_names
    measured: dict[str, dict[str, tuple[float, float]]] = {}
    published: dict[str, dict[str, float]] = {}
    for each in results:
        values = accuracies(each)
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        line = measured.setdefault(HEADS[each["head"]], {})
        line[each["layer"]] = (float(np.mean(values)), deviation)
    for (head, layer), text in numbers_beside(files.name, config.net).items():
        if HEADS[head] in measured and layer in order:
            published.setdefault(HEADS[head], {})[layer] = float(text.split()[0])
    named = [layer for line in (*measured.values(), *published.values()) for layer in line]
    scaling = "" if config.scaling == "l2" else f"-{config.scaling}"
    path = config.out / f"{short_name(files)}-{config.net}{scaling}.png"
    depth_figure(
        measured,
        path,
        layers=[layer for layer in order if layer in named],
        published=published,
        title=f"{files.name} by {config.net}: a linear classifier on each layer",
    )
    return path
