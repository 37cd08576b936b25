"""A picture of where classes lie, and where their images are taken to be."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from jtransfer.measure.canvas import (
    DPI,
    INK,
    PALETTE,
    fit_title,
    new_figure,
    png_path,
    save,
    shorten,
)
from jtransfer.measure.embedding import Embedding, project


def class_map_figure(
    signatures: ArrayLike,
    images: ArrayLike,
    labels: ArrayLike,
    path: str | Path,
    *,
    classes: Sequence[str],
    title: str = "Classes, and where their images are taken to be",
    seed: int = 0,
) -> None:
    """Draw classes (named) and images (dots in their true class's colour) by t-SNE.

    Both are taken at length 1, and the images without what they have in common beyond the classes:
    a method that predicts all of them too small still has its say about which is which.

    Args:
      signatures: [classes, dims] of the classes.
      images: [n, dims] that images were predicted to have; at most 500 are drawn.
      labels: [n] true classes.
      path: the PNG to write, 1105 x 1170 pixels.
      classes: name of each class.
      title: heading of the figure.
      seed: of the choice of images and of t-SNE.

    Raises:
      ValueError: if there is not one name a class, or as `project`.
    """
    path = png_path(path)
    rows, points = (_unit(np.asarray(each, np.float64)) for each in (signatures, images))
    if len(classes) != len(rows):
        raise ValueError(
            f"{len(classes)} class names for {len(rows)} signatures; expected a name for each class"
        )
    points = points - points.mean(axis=0) + rows.mean(axis=0)
    plane = project(Embedding(rows, points, np.arange(len(rows)), labels), seed=seed)
    places, dots = np.asarray(plane.source_features), np.asarray(plane.target_features)

    figure = new_figure(8.5, 9, dpi=DPI)
    axes = figure.add_axes((0.03, 0.03, 0.94, 0.86))
    shades = [PALETTE[each % len(PALETTE)] for each in np.asarray(plane.target_labels).tolist()]
    axes.scatter(*dots.T, c=shades, s=16, lw=0, alpha=0.6)
    left, right = axes.get_xlim()
    room = 0.04 * np.ptp(np.concatenate([places, dots]), axis=0)
    for number, (place, name) in enumerate(zip(places, classes, strict=True)):
        colour = PALETTE[number % len(PALETTE)]
        axes.scatter(*place[:, None], c=[colour], s=150, marker="*", edgecolors=INK, lw=0.8)
        # Towards the middle, where there is room for the name, and below a neighbour's.
        towards = 1 if place[0] < (left + right) / 2 else -1
        beside = (np.abs(places[:number] - place) < room).all(axis=1).any()
        axes.annotate(
            shorten(str(name), 18),
            place,
            (7 * towards, -16 if beside else 7),
            textcoords="offset points",
            ha="left" if towards > 0 else "right",
            fontsize=11,
            fontweight="bold",
            color=colour,
            bbox={"facecolor": "white", "alpha": 0.75, "lw": 0, "pad": 1.0},
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#d0d7de")
    style = {"va": "top", "fontsize": 13, "fontweight": "bold", "color": INK}
    figure.text(0.03, 0.985, fit_title(title, 8, points=13), **style)  # pyright: ignore[reportArgumentType]
    save(figure, path)


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
