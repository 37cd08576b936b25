"""A confusion matrix as a heat map."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from jtransfer.measure.page.drawing import element, figure, number, percent

MOST_CLASSES = 40
# Share from which on white is read better on the colour in light pages, and black in dark ones.
_DEEP = 0.612
_LETTER, _MOST_LETTERS = 7.0, 16
_SMALLEST = 0.8  # of its natural width
_TOLD = 20  # classes up to which there is room for counts


def confusion_chart(matrix: ArrayLike, classes: Sequence[str]) -> Markup:
    """Draw a confusion matrix: counts as texts, the share of the true class as colour.

    Args:
      matrix: [k, k] counts; rows are true classes, columns guesses.
      classes: k names. Of more than 40 classes those with the most mistakes are drawn.
    """
    counts = np.asarray(matrix)
    shown = _worst(counts)
    totals = counts.sum(axis=1)
    counts, totals, names = counts[np.ix_(shown, shown)], totals[shown], _names(classes, shown)
    told = len(names) <= _TOLD
    cell = 40 if len(names) <= 10 else 32 if told else 16
    room = _LETTER * max(map(len, names)) + 12
    left, top = room + 4, 8
    parts = []
    for place, name in enumerate(names):
        middle = (place + 0.5) * cell
        y = number(top + middle + 4)
        parts.append(element("text", name, x=number(left - 8), y=y, text_anchor="end"))
        turn = f"translate({number(left + middle + 4)} {top + len(names) * cell + 8}) rotate(-90)"
        parts.append(element("text", name, transform=turn, text_anchor="end"))
    for row, column in np.ndindex(counts.shape):
        count = counts[row, column]
        if not count and not told:
            continue
        share = float(count / totals[row]) if totals[row] else 0.0
        x, y = left + column * cell, top + row * cell
        words = f"{names[row]} taken for {names[column]}"
        words = f"{names[row]} recognised" if row == column else words
        children = [
            element("title", f"{words}: {count:g} of {totals[row]:g} ({percent(share)})"),
            element(
                "rect",
                x=number(x + 1),
                y=number(y + 1),
                width=cell - 2,
                height=cell - 2,
                rx=3,
                fill_opacity=f"{share:.3f}",
            ),
        ]
        if count and told:
            text = f"{count:g}" if count < 1e4 else f"{count:.0e}"
            middle = {"x": number(x + cell / 2), "y": number(y + cell / 2 + 4)}
            children.append(element("text", text, text_anchor="middle", **middle))
        parts.append(element("g", *children, class_="cell deep" if share > _DEEP else "cell"))
    side = len(names) * cell
    frame = {"x": number(left), "y": top, "width": side, "height": side, "rx": 4}
    parts.insert(0, element("rect", class_="ground", **frame))
    width, height = left + side + 4, top + side + room + 4
    return figure(
        *parts,
        label=f"Confusion matrix of {len(names)} classes",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=number(width),
        # On a small screen as small as can still be read.
        style=f"min-width: {_SMALLEST * width:.0f}px",
        class_="confusion",
    )


def _worst(counts: NDArray) -> NDArray[np.intp]:
    """The classes to draw, in their order."""
    if len(counts) <= MOST_CLASSES:
        return np.arange(len(counts))
    wrong = counts - np.diag(np.diagonal(counts))
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
    return np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])


def _names(classes: Sequence[str], shown: NDArray[np.intp]) -> list[str]:
    names = [classes[int(each)] for each in shown]
    return [n if len(n) <= _MOST_LETTERS else f"{n[: _MOST_LETTERS - 1]}…" for n in names]
