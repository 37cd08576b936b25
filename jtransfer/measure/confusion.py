"""A picture of which classes are taken for which."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from jtransfer.measure.canvas import (
    DPI,
    INK,
    MUTED,
    fit_title,
    new_figure,
    png_path,
    quiet,
    save,
    shorten,
)

_CELL, _MOST_CELLS = 0.48, 30
_LINE = 0.13  # a name needs that many inches


def confusion_figure(
    matrix: ArrayLike,
    classes: Sequence[str],
    path: str | Path,
    *,
    title: str = "Confusion between classes",
) -> None:
    """Draw a confusion matrix: counts as text, the share of the true class as colour.

    Args:
      matrix: [k, k] counts; rows are true classes, columns predicted ones.
      classes: k names.
      path: the PNG to write; its size grows with k up to 30 classes, past which counts are left
        out, and past 110 names too.
      title: heading of the figure.

    Raises:
      ValueError: if the matrix is not square with a name a class, or holds negative or non-finite
        numbers.
    """
    path = png_path(path)
    counts = np.asarray(matrix)
    k = len(classes)
    if counts.shape != (k, k) or not k:
        raise ValueError(
            f"the matrix has shape {counts.shape} and there are {k} class names, expected "
            f"[k, k] and k names; give the classes that the matrix was counted over"
        )
    if not np.isfinite(counts).all() or counts.min() < 0:
        raise ValueError("the matrix holds negative or non-finite numbers, expected counts")
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(totals > 0, totals, 1)

    names = [shorten(str(name), 14) for name in classes]
    # Laid out by hand, in inches, so that cells keep their size whatever the names take. Up to
    # `_MOST_CELLS` classes there is room for a count in each cell; past that colour alone tells.
    side = _CELL * min(max(k, 6), _MOST_CELLS)
    told, named = k <= _MOST_CELLS, side / k >= _LINE
    upright = max(map(len, names)) <= 3
    room = 0.085 * max(map(len, names)) if named else 0.0
    heading = fit_title(title, side + 1, points=13)
    left, right, bottom = 0.6 + room, 1.1, 0.55 + (0.15 if upright else room)
    width, height = left + side + right, bottom + side + 0.3 + 0.24 * len(heading.splitlines())
    figure = new_figure(width, height, dpi=DPI)
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    beside = ((left + side + 0.15) / width, (bottom + side / 4) / height)
    scale = figure.add_axes((*beside, 0.14 / width, side / 2 / height))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    shown = names if named else []
    axes.set_xticks(range(len(shown)), shown, rotation=0 if upright else 90)
    axes.set_yticks(range(len(shown)), shown)
    if told:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = shares[row, column] > 0.5
                axes.text(
                    column,
                    row,
                    f"{count:g}" if count < 1e5 else f"{count:.0e}",
                    ha="center",
                    va="center",
                    fontsize=8.5,
                    color="white" if dark else INK,
                )
    axes.set_xlabel("predicted class", fontsize=10)
    axes.set_ylabel("true class", fontsize=10)
    quiet(axes)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK, labelsize=10 if told else 7.5)
    axes.set_title(heading, loc="left", fontsize=13, fontweight="bold", color=INK, pad=12)
    bar = figure.colorbar(image, cax=scale)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.ax.tick_params(length=0, labelsize=9, colors=MUTED)
    bar.set_label("share of the true class", fontsize=9.5, color=INK)
    save(figure, path)
