"""What a net guesses on test images."""

from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.measure.overlays import overlays_figure
from jtransfer.recipes.segmentation.nets import Base
from jtransfer.recipes.segmentation.problem import Problem
from jtransfer.recipes.segmentation.run import Conduct, guesses_of
from jtransfer.recipes.segmentation.training import Options

_SHOWN = 6


def figure(
    problem: Problem, base: Base, result: dict[str, Any], options: Options, conduct: Conduct
) -> Path:
    """Draw some test images, evenly over the set, with truth, guess and error."""
    rows = np.linspace(0, len(problem.test) - 1, min(_SHOWN, len(problem.test))).astype(int)
    shown = problem.test.take(rows)
    guesses, folder = guesses_of(problem, base, result, options, conduct, shown)
    path = folder / "overlays.png"
    overlays_figure(
        shown.images,
        shown.masks,
        guesses,
        path,
        classes=problem.classes,
        ignored=problem.train.ignored,
        title=f"{problem.test.name} by {result['net']}, {result['row']}: "
        f"mean IoU {result['mean_iou']:.3f} on all {len(problem.test):,} images",
    )
    return path
