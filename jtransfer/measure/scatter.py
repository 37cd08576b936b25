"""A picture of how the features of two domains lie to each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jtransfer.measure.canvas import (
    DPI,
    INK,
    MUTED,
    PALETTE,
    SOURCE,
    TARGET,
    fit_title,
    legend_key,
    new_figure,
    png_path,
    save,
    shorten,
)
from jtransfer.measure.embedding import Embedding, project

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# In inches.
_SIDE, _GAP = 3.7, 0.3
# Past these, names of classes would take more room than the picture.
_MOST_NAMES = 20


def embedding_figure(
    panels: Mapping[str, Embedding],
    path: str | Path,
    *,
    classes: Sequence[str] | None = None,
    title: str = "Features of both domains",
    seed: int = 0,
) -> None:
    """Draw the t-SNE of both domains' features, a column a panel (such as before and after).

    The upper row is coloured by domain, the lower one by class (dots are source, crosses target).
    Only what lies together means something: axes and distances between panels do not compare.

    Args:
      panels: for each heading the features to project; at most 500 examples of each domain.
      path: the PNG to write, 520 pixels wide a panel, as high as its legend asks.
      classes: name of each class; by default its number.
      title: heading of the figure.
      seed: of the choice of examples and of t-SNE.

    Raises:
      ValueError: if there is no panel, a label has no class name, or as `project`.
    """
    path = png_path(path)
    if not panels:
        raise ValueError("no panel to draw, expected at least one Embedding by its heading")
    points = {name: project(embedding, seed=seed) for name, embedding in panels.items()}
    labels = [np.r_[p.source_labels, p.target_labels] for p in points.values()]
    present = np.unique(np.concatenate(labels)).tolist()
    if classes is not None and (present[0] < 0 or present[-1] >= len(classes)):
        raise ValueError(
            f"labels run from {present[0]} to {present[-1]}, but there are {len(classes)} class "
            f"names; give a name for each class"
        )
    colours = dict(zip(present, _colours(len(present)), strict=True))
    by_domain = [("source", legend_key(SOURCE, "", "o")), ("target", legend_key(TARGET, "", "o"))]
    by_class = [("source", legend_key(MUTED, "", "o")), ("target", legend_key(MUTED, "", "x"))]
    if len(present) <= _MOST_NAMES:
        for label, colour in colours.items():
            name = shorten(str(label if classes is None else classes[label]), 14)
            by_class.append((name, legend_key(colour, "", "s")))

    # Laid out by hand, in inches from the upper left: both rows then have panels of one size.
    width = (_SIDE + _GAP) * len(points)
    heading = fit_title(title, width - 2 * _GAP, points=14)
    first = 0.3 + 0.25 * len(heading.splitlines()) + 0.25
    second = first + _SIDE + 0.45
    widths = [0.45 + 0.085 * len(name) for name, _ in by_class]
    columns = len(widths) if sum(widths) < width else int(width / max(widths))
    height = second + _SIDE + 0.25 + 0.24 * -(-len(by_class) // columns)
    figure = new_figure(width, height, dpi=DPI)
    style = {"va": "top", "fontsize": 14, "fontweight": "bold", "color": INK}
    figure.text(_GAP / 2 / width, 1 - 0.12 / height, heading, **style)  # pyright: ignore[reportArgumentType]
    for top, keys, shades in ((first, by_domain, None), (second, by_class, colours)):
        bottom = height - top - _SIDE
        for index, (name, embedding) in enumerate(points.items()):
            left = (_SIDE + _GAP) * index + _GAP / 2
            axes = figure.add_axes(
                (left / width, bottom / height, _SIDE / width, _SIDE / height),
            )
            _scatter(axes, embedding, shades)
            if shades is None:
                axes.set_title(shorten(name, 36), fontsize=12, color=INK)
        figure.legend(
            [handle for _, handle in keys],
            [name for name, _ in keys],
            loc="upper center",
            bbox_to_anchor=(0.5, (bottom - 0.03) / height),
            ncols=min(columns, len(keys)),
            frameon=False,
            fontsize=9.5,
            labelcolor=INK,
            handletextpad=0.2,
            columnspacing=1.0,
        )
    save(figure, path)


def _scatter(axes: "Axes", embedding: Embedding, colours: Mapping[int, Any] | None) -> None:
    source, target = np.asarray(embedding.source_features), np.asarray(embedding.target_features)
    if colours is None:
        points = np.concatenate([source, target])
        shades = np.repeat([SOURCE, TARGET], [len(source), len(target)])
        # Mixed, so that the domain drawn last does not hide the other.
        order = np.random.default_rng(0).permutation(len(points))
        axes.scatter(*points[order].T, c=shades[order].tolist(), s=11, lw=0, alpha=0.75)
    else:
        for points, labels, marker, size, width in (
            (source, embedding.source_labels, "o", 10, 0.0),
            (target, embedding.target_labels, "x", 14, 0.9),
        ):
            shades = [colours[label] for label in np.asarray(labels).tolist()]
            axes.scatter(*points.T, c=shades, marker=marker, s=size, lw=width, alpha=0.8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#d0d7de")


def _colours(count: int) -> Sequence[Any]:
    if count <= len(PALETTE):
        return PALETTE[:count]
    from matplotlib import colormaps

    return [tuple(colour) for colour in colormaps["turbo"](np.linspace(0.05, 0.95, count))]
