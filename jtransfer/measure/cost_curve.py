"""A picture of how a cost grows with sizes, and the power of each size that it grows with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jtransfer.measure.canvas import DPI, INK, MUTED, PALETTE, new_figure, png_path, quiet, save


def power_law(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """Factor and exponent of cost = factor * size ** exponent, fitted to the logarithms.

    Args:
      sizes: positive, at least two different ones.
      costs: of each size, positive.

    Raises:
      ValueError: if a number is not positive, or there are not two sizes.
    """
    if len(sizes) != len(costs) or len(set(sizes)) < 2 or not min(*sizes, *costs) > 0:
        raise ValueError(
            f"sizes {list(sizes)} and costs {list(costs)}; expected a positive cost of each of two "
            "or more positive sizes"
        )
    exponent, logarithm = np.polyfit(np.log(sizes), np.log(costs), 1)
    return float(np.exp(logarithm)), float(exponent)


def cost_figure(
    panels: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    path: str | Path,
    *,
    ylabel: str,
    title: str,
) -> None:
    """Draw costs over sizes, a panel for every kind of size, both axes logarithmic.

    A dashed line is the power law of a panel, whose exponent is said above it.

    Args:
      panels: for what the size is of, the sizes and their costs.
      path: the PNG to write, 1690 x 455 pixels.
      ylabel: what the costs are.
      title: heading of the figure.

    Raises:
      ValueError: if there is no panel, or as `power_law`.
    """
    path = png_path(path)
    if not panels:
        raise ValueError("no panel to draw, expected at least one kind of size with its costs")
    figure = new_figure(13, 3.5, dpi=DPI, layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (name, (sizes, costs)) in zip(places, panels.items(), strict=True):
        factor, exponent = power_law(sizes, costs)
        ends = np.array([min(sizes), max(sizes)])
        axes.plot(ends, factor * ends**exponent, color=MUTED, lw=1.2, ls="--")
        axes.plot(sizes, costs, color=PALETTE[0], lw=1.6, marker="o", markersize=4)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(list(sizes), [f"{size:g}" for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(name, fontsize=10)
        axes.set_title(f"exponent {exponent:.2f}", fontsize=10.5, color=INK)
        axes.grid(axis="y", color="#eaeef2", lw=0.8)
        axes.set_axisbelow(True)
        quiet(axes)
        axes.tick_params(which="minor", colors=MUTED, labelsize=8, length=2)
    places[0].set_ylabel(ylabel, fontsize=10)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    save(figure, path)
