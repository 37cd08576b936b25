"""A picture of the loss against a growing learning rate."""

import math
from collections.abc import Sequence
from pathlib import Path

from jtransfer.measure.canvas import (
    DPI,
    INK,
    MUTED,
    PALETTE,
    heading,
    new_figure,
    png_path,
    quiet,
    save,
)


def rate_figure(
    rates: Sequence[float],
    losses: Sequence[float],
    path: str | Path,
    *,
    smoothed: Sequence[float] | None = None,
    suggestion: float | None = None,
    title: str = "Loss while the learning rate grows",
) -> None:
    """Draw losses over rates, whose axis is logarithmic.

    Args:
      rates: learning rates, positive.
      losses: of the step at each rate; drawn faint where `smoothed` is given.
      path: the PNG to write, 1170 x 650 pixels.
      smoothed: running average of the losses.
      suggestion: the rate to mark by a line.
      title: heading of the figure.

    Raises:
      ValueError: if there are no rates, not as many losses, or a number cannot be drawn.
    """
    path = png_path(path)
    given = {"losses": losses} | ({} if smoothed is None else {"smoothed": smoothed})
    for name, values in given.items():
        if not rates or len(values) != len(rates) or not all(map(math.isfinite, values)):
            raise ValueError(
                f"{len(values)} {name} of {len(rates)} rates; expected a finite one of each rate, "
                "and at least one"
            )
    marked = [] if suggestion is None else [suggestion]
    if not all(0 < rate < math.inf for rate in (*rates, *marked)):
        raise ValueError("a rate is not positive and finite; expected rates of a logarithmic axis")
    figure = new_figure(9, 5, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    if smoothed is None:
        axes.plot(rates, losses, color=PALETTE[0], lw=1.8, label="loss")
    else:
        axes.plot(rates, losses, color=PALETTE[0], lw=1.0, alpha=0.35, label="loss of a batch")
        axes.plot(rates, smoothed, color=PALETTE[0], lw=1.8, label="running average")
    for rate in marked:
        axes.axvline(rate, color=PALETTE[1], lw=1.4, ls="--", label=f"suggestion, {rate:.2g}")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", fontsize=10)
    axes.set_ylabel("loss", fontsize=10)
    axes.grid(axis="y", color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
    quiet(axes)
    axes.tick_params(which="minor", colors=MUTED, length=2)
    axes.legend(loc="lower left", frameon=False, fontsize=9.5, labelcolor=INK)
    heading(axes, title, 8)
    save(figure, path)
