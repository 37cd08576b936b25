"""A picture of several quantities over the steps of a run, a panel a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jtransfer.measure.canvas import (
    DPI,
    INK,
    PALETTE,
    legend_key,
    new_figure,
    png_path,
    quiet,
    save,
)


def panels_figure(
    runs: Mapping[str, Sequence[Mapping[str, float]]],
    path: str | Path,
    *,
    lines: Mapping[str, str],
    ylabel: str,
    title: str,
) -> None:
    """Draw metrics over the steps, a panel for every run, a colour for every metric.

    The y axis is logarithmic, the same for all, so that a half and a double are as far from 1.

    Args:
      runs: for each panel its records, such as {"step": 100, "digit_weight": 1.2}.
      path: the PNG to write, 1300 x 455 pixels for up to four panels.
      lines: names of the metrics that are drawn, to what they are called in the figure.
      ylabel: what the values are.
      title: heading of the figure.

    Raises:
      ValueError: if there is nothing to draw, or a value is not positive.
    """
    path = png_path(path)
    values = [record[key] for records in runs.values() for record in records for key in lines]
    if not values or not all(value > 0 for value in values):
        raise ValueError(
            f"{len(values)} values of {', '.join(lines)} in the runs {', '.join(runs)}; expected "
            "some, all of them positive"
        )
    figure = new_figure(10, 3.5, dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axes, (name, records) in zip(panels, runs.items(), strict=True):
        steps = [record["step"] for record in records]
        for number, key in enumerate(lines):
            colour = PALETTE[number % len(PALETTE)]
            axes.plot(steps, [record[key] for record in records], color=colour, lw=1.6)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: "")
        axes.set_xlabel("step", fontsize=10)
        axes.set_title(name, fontsize=10.5, color=INK)
        axes.grid(axis="y", color="#eaeef2", lw=0.8)
        axes.set_axisbelow(True)
        axes.margins(x=0.01)
        quiet(axes)
    panels[0].set_ylabel(ylabel, fontsize=10)
    figure.legend(
        [legend_key(PALETTE[number % len(PALETTE)], "-") for number in range(len(lines))],
        list(lines.values()),
        loc="outside lower center",
        ncols=len(lines),
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    save(figure, path)
