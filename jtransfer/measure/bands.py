"""A picture of accuracies over several seeds, as lines with bands."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from jtransfer.measure.canvas import (
    DPI,
    INK,
    PALETTE,
    heading,
    new_figure,
    png_path,
    quiet,
    save,
)

_STYLES = ("-", "--")


def bands_figure(
    measured: Mapping[str, Mapping[str, Sequence[float]]],
    path: str | Path,
    *,
    places: Sequence[str],
    xlabel: str,
    ylabel: str = "accuracy",
    title: str,
) -> None:
    """Draw the mean over seeds at each place, in a band of one standard deviation (n - 1).

    Args:
      measured: for each line the values of its seeds, {place: values}; places may be missing.
      path: the PNG to write, 1170 x 650 pixels.
      places: what stands along the x axis, in order and at equal distances.
      xlabel: what the places are.
      ylabel: what the values are.
      title: heading of the figure.

    Raises:
      ValueError: if there is nothing to draw, or a place is none of `places`.
    """
    path = png_path(path)
    unknown = {place for line in measured.values() for place in line}.difference(places)
    if unknown or not any(values for line in measured.values() for values in line.values()):
        raise ValueError(
            f"measured {[*measured]} with places {sorted(unknown)} outside of {list(places)}; "
            "expected at least one value, each at a named place"
        )
    figure = new_figure(9, 5, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for number, line in enumerate(measured.values()):
        kept = [place for place in places if line.get(place)]
        positions = [list(places).index(place) for place in kept]
        means = [statistics.fmean(line[place]) for place in kept]
        spread = [statistics.stdev(line[place]) if len(line[place]) > 1 else 0.0 for place in kept]
        colour = PALETTE[number % len(PALETTE)]
        style = _STYLES[number // len(PALETTE) % len(_STYLES)]
        axes.plot(positions, means, color=colour, linestyle=style, marker="o", ms=4, lw=1.6)
        axes.fill_between(
            positions,
            [mean - each for mean, each in zip(means, spread, strict=True)],
            [mean + each for mean, each in zip(means, spread, strict=True)],
            color=colour,
            alpha=0.15,
            lw=0,
        )
    axes.set_xticks(range(len(places)), list(places))
    axes.set_xlim(-0.3, len(places) - 0.7)
    axes.set_xlabel(xlabel, fontsize=10)
    axes.set_ylabel(ylabel, fontsize=10)
    axes.grid(axis="y", color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(y=0.06)
    quiet(axes)
    figure.legend(
        axes.get_lines(),
        list(measured),
        loc="outside right upper",
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
    )
    heading(axes, title, 8)
    save(figure, path)
