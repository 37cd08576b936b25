"""How right a model is on the images that its folder calls "test": nothing was chosen by them."""

from typing import Any

import numpy as np

from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.calibration import reliability
from jtransfer.measure.intervals import mean_accuracy_interval
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable


def judge_test(
    model: Model, test: ImageFiles, *, workers: int, on_unreadable: OnUnreadable
) -> dict[str, Any]:
    """Judge a model on images that had no part in it.

    Args:
      model: to be judged.
      test: labelled by the model's classes.
      workers: processes that decode images; 0 decodes in this one.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it.

    Returns:
      For `model.json`: mean "accuracy" per class with its 95% interval (`mean_accuracy_interval`),
      of how many "images", and the expected "calibration_error".

    Raises:
      DataError: if an image cannot be read.
    """
    rows, probabilities = [], []
    for read, said in model.predict_files(test.paths, workers=workers, on_unreadable=on_unreadable):
        rows.append(read)
        probabilities.append(said.probabilities)
    labels, shares = test.labels[np.concatenate(rows)], np.concatenate(probabilities)
    counts = np.bincount(labels, minlength=len(model.classes))
    right = np.bincount(labels, shares.argmax(axis=1) == labels, minlength=len(model.classes))
    interval = mean_accuracy_interval(right, counts)
    return {
        "accuracy": {name: round(value, 4) for name, value in interval._asdict().items()},
        "images": len(labels),
        "calibration_error": round(float(reliability(shares, labels).error), 4),
    }
