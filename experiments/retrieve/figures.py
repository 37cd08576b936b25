"""Queries and what was found for them."""

from pathlib import Path

import numpy as np

from experiments.retrieve.config import Config
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.contact_sheet import contact_sheet_figure
from jtransfer.recipes.features.nets import crop_for


def contact_sheet(
    config: Config, files: ImageFiles, queries: np.ndarray, ranked: np.ndarray, path: Path
) -> None:
    """Draw evenly spread queries and their nearest images.

    Args:
      config: the run's settings.
      files: the images.
      queries: positions of the queries in `files`, [q].
      ranked: positions of what was found for each, nearest first, [q, k].
      path: the PNG to write.
    """
    chosen = np.linspace(0, len(queries) - 1, min(config.sheet_rows, len(queries))).astype(int)
    shown = np.concatenate([queries[chosen, None], ranked[chosen, : config.sheet_columns]], axis=1)
    crop = crop_for(config.net)
    batches = image_batches(files.take(shown.ravel()), crop, workers=0)
    images = np.concatenate([images for _, images in batches])
    images = images.reshape(*shown.shape, *images.shape[1:])
    labels = files.labels[shown]
    contact_sheet_figure(
        (images[:, 0], labels[:, 0]),
        (images[:, 1:], labels[:, 1:]),
        path,
        classes=files.classes,
        title=f"{files.name}: nearest by {config.net} {config.chosen_layer}, cosine",
    )
