"""A picture of how training went."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

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

_STYLES = ("-", "--", "-.")
_DOTTED = (0, (1, 1.2))
_NAMES = {
    "reversal": "λ (gradient reversal)",
    # Whoever reads the figure must not think that a run was chosen by it.
    "target_accuracy": "target accuracy (diagnostic only)",
}


def curves_figure(
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    path: str | Path,
    *,
    left: tuple[str, ...],
    right: tuple[str, ...] = ("reversal",),
    title: str = "Training",
) -> None:
    """Draw metrics over the steps of several runs: a colour a run, a line style a metric.

    Args:
      runs: for each name of a run its records, such as {"step": 100, "loss": 1.2}. A record may
        lack any metric: the line goes on at the next record that has it.
      path: the PNG to write, 1170 x 650 pixels.
      left: metrics drawn on the left axis.
      right: metrics drawn, faint and dotted, on a second axis to the right.
      title: heading of the figure.

    Raises:
      ValueError: if there is no run, a record has no step, or no run has one of the metrics.
    """
    path = png_path(path)
    lines = {key: {name: _line(name, runs[name], key) for name in runs} for key in left + right}
    known = sorted({key for records in runs.values() for record in records for key in record})
    for key, by_run in lines.items():
        if not any(steps for steps, _ in by_run.values()):
            raise ValueError(
                f"no run has the metric {key!r}, expected some of {', '.join(known) or 'none'}; "
                f"name metrics that were logged"
            )
    if not left:
        raise ValueError("left is empty, expected at least one metric for the left axis")

    figure = new_figure(9, 5, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    twin = axes.twinx() if right else None
    styles = {key: _STYLES[number % len(_STYLES)] for number, key in enumerate(left)}
    styles |= dict.fromkeys(right, _DOTTED)
    for number, key in enumerate(left + right):
        on_right = number >= len(left)
        place = twin if twin is not None and on_right else axes
        for index, (steps, values) in enumerate(lines[key].values()):
            colour = PALETTE[index % len(PALETTE)]
            alpha, weight = (0.55, 1.4) if on_right else (0.95, 1.6)
            # A line through a single record is invisible.
            marker = "o" if len(steps) == 1 else ""
            style = {"linestyle": styles[key], "lw": weight, "alpha": alpha, "marker": marker}
            place.plot(steps, values, color=colour, **style)
    axes.set_xlabel("step", fontsize=10)
    axes.set_ylabel(", ".join(map(_name, left)), fontsize=10)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="y", color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    quiet(axes)
    if twin is not None:
        twin.set_ylabel(", ".join(map(_name, right)), fontsize=10)
        quiet(twin)
    text = {"frameon": False, "fontsize": 9.5, "labelcolor": INK}
    metrics = len(left + right) > 1
    if metrics:
        # Between title and data: what is said by line style apart from what is said by colour.
        axes.legend(
            [legend_key(MUTED, styles[key]) for key in left + right],
            [_name(key) for key in left + right],
            loc="lower left",
            bbox_to_anchor=(-0.01, 1),
            borderaxespad=0.2,
            ncols=4,
            **text,
        )
    figure.legend(
        [legend_key(PALETTE[index % len(PALETTE)], "-") for index in range(len(runs))],
        list(runs),
        loc="outside lower center",
        ncols=min(len(runs), 4),
        **text,
    )
    heading(axes, title, 8, pad=30 if metrics else 12)
    save(figure, path)


def _name(key: str) -> str:
    return _NAMES.get(key, key.replace("_", " "))


def _line(
    run: str, records: Sequence[Mapping[str, Any]], key: str
) -> tuple[list[float], list[float]]:
    """Steps and values of the records that hold the metric."""
    steps, values = [], []
    for record in records:
        if "step" not in record:
            raise ValueError(
                f"a record of {run!r} has no 'step': {dict(record)}; give the records of a "
                f"metrics.jsonl"
            )
        if isinstance(record.get(key), Real):
            steps.append(float(record["step"]))
            values.append(float(record[key]) if math.isfinite(record[key]) else math.nan)
    return steps, values
