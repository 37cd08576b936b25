"""A picture of accuracy against the depth of the layer that features are taken from."""

import math
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

Line = Mapping[str, tuple[float, float]]


def depth_figure(
    measured: Mapping[str, Line],
    path: str | Path,
    *,
    layers: Sequence[str],
    published: Mapping[str, Mapping[str, float]] | None = None,
    title: str = "Accuracy of a classifier on each layer",
) -> None:
    """Draw accuracy over the layers of a net: a colour a classifier, the papers' dashed.

    Args:
      measured: for each classifier its {layer: (mean, standard deviation)}; layers may be missing.
      path: the PNG to write, 1170 x 650 pixels.
      layers: names of the layers, first to last.
      published: for each classifier {layer: accuracy}, drawn in the colour of the same name.
      title: heading of the figure.

    Raises:
      ValueError: if there is nothing to draw, or a layer is none of `layers`.
    """
    path = png_path(path)
    published = published or {}
    names = list(dict.fromkeys([*measured, *published]))
    unknown = {
        layer for line in (*measured.values(), *published.values()) for layer in line
    }.difference(layers)
    if unknown or not any(measured.values()):
        raise ValueError(
            f"measured {[*measured]} with layers {sorted(unknown)} outside of {list(layers)}; "
            "expected at least one accuracy, each of a named layer"
        )
    figure = new_figure(9, 5, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    positions = {layer: position for position, layer in enumerate(layers)}
    colours = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(names)}
    # The numbers stand to the right of the first classifier's points, to the left of the others'.
    sides = {name: ("right", -9) if index else ("left", 9) for index, name in enumerate(names)}
    for name, line in measured.items():
        colour, (aligned, beside) = colours[name], sides[name]
        kept = [layer for layer in layers if layer in line]
        means, deviations = zip(*(line[layer] for layer in kept), strict=True)
        axes.errorbar(
            [positions[layer] for layer in kept],
            means,
            yerr=[0.0 if math.isnan(each) else each for each in deviations],
            color=colour,
            marker="o",
            ms=6,
            lw=1.8,
            capsize=4,
            label=f"{name}, measured",
        )
        for layer, mean in zip(kept, means, strict=True):
            axes.annotate(
                f"{mean:.3f}",
                (positions[layer], mean),
                (beside, -4),
                textcoords="offset points",
                ha=aligned,
                fontsize=8.5,
                color=colour,
            )
    for name, values in published.items():
        kept = [layer for layer in layers if layer in values]
        axes.plot(
            [positions[layer] for layer in kept],
            [values[layer] for layer in kept],
            color=colours[name],
            linestyle="--",
            marker="s",
            ms=4.5,
            lw=1.2,
            alpha=0.6,
            label=f"{name}, published",
        )
    axes.set_xticks(range(len(layers)), layers)
    axes.set_xlim(-0.4, len(layers) - 0.6)
    axes.set_xlabel("layer", fontsize=10)
    axes.set_ylabel("mean accuracy per class", fontsize=10)
    axes.grid(axis="y", color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
    axes.margins(y=0.12)
    quiet(axes)
    axes.legend(loc="lower right", frameon=False, fontsize=9.5, labelcolor=INK)
    heading(axes, title, 8)
    save(figure, path)
