"""The gain of every candidate over source only, pair by pair."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jtransfer.measure.canvas import (
    DPI,
    INK,
    MUTED,
    PALETTE,
    heading,
    legend_key,
    new_figure,
    png_path,
    quiet,
    save,
)


class Line(NamedTuple):
    """A pair of domains.

    Attributes:
      name: of the pair.
      gains: of each method over source only, in points.
      chosen: the choice's gain.
      best: the best candidate's.
    """

    name: str
    gains: Sequence[float]
    chosen: float
    best: float


def gains_figure(lines: Sequence[Line], path: str | Path, *, harm: float, title: str) -> None:
    """Draw a line for every pair, the largest gain of the best candidate at the top.

    Args:
      lines: at least one.
      path: the PNG to write, 1170 pixels wide, as high as there are pairs.
      harm: in points, where a loss begins to count as harm; what is beyond is shaded.
      title: heading of the figure.

    Raises:
      ValueError: if there is no line.
    """
    path = png_path(path)
    if not lines:
        raise ValueError("no pair to draw; expected at least one line")
    order = sorted(lines, key=lambda line: line.best)
    figure = new_figure(9, 1.6 + 0.27 * len(order), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for row, line in enumerate(order):
        axes.scatter(line.gains, [row] * len(line.gains), color="#c5ccd3", s=22, lw=0, zorder=2)
        axes.scatter([line.best], [row], facecolor="none", edgecolor=INK, s=62, lw=1.1, zorder=3)
        colour = PALETTE[3] if line.chosen < -harm else PALETTE[0]
        axes.scatter([line.chosen], [row], color=colour, s=30, lw=0, zorder=4)
    axes.axvline(0, color=MUTED, lw=1.0, zorder=1)
    low, high = axes.get_xlim()
    axes.axvspan(low, -harm, color=PALETTE[3], alpha=0.06, lw=0, zorder=0)
    axes.set_xlim(low, high)
    axes.set_yticks(range(len(order)), [line.name for line in order])
    axes.set_ylim(-0.8, len(order) - 0.2)
    axes.set_xlabel("points over source only, on the target's labels", fontsize=10)
    axes.grid(axis="x", color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
    quiet(axes)
    axes.legend(
        [
            legend_key(PALETTE[0], "", "o"),
            legend_key(PALETTE[3], "", "o"),
            legend_key("#c5ccd3", "", "o"),
        ],
        [
            "the choice without a label",
            "the choice, where it harms",
            "a method; the best is ringed",
        ],
        loc="lower right",
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
    )
    heading(axes, title, 8)
    save(figure, path)
