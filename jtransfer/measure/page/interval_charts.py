"""Accuracies as dots on lines that are their intervals: of the whole, of classes, of candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jtransfer.measure.page.content import Estimate, Share
from jtransfer.measure.page.drawing import Axis, element, figure, said

_HEIGHT, _RADIUS = 28, 5
_WHOLE = Axis(0.25, 0, 4)


@dataclass(frozen=True)
class ClassRow:
    """A class's accuracy, how many images it is of, and the drawing of it."""

    name: str
    accuracy: Share
    count: int | None
    bar: Markup


def headline(share: Share) -> Markup:
    """The accuracy of the whole, from 0 to 1: a bar, and over it the interval."""
    middle, height = 14, 28
    end = _WHOLE.place(share.value)
    parts = [
        element("rect", class_="track", width="100%", y=middle - 4, height=8, rx=4),
        element("rect", class_="fill", width=end, y=middle - 4, height=8, rx=4),
    ]
    if share.low is not None and share.high is not None:
        parts.append(_line(_WHOLE, share.low, share.high, middle, "interval"))
    parts.append(element("line", class_="value", x1=end, x2=end, y1=middle - 12, y2=middle + 12))
    return figure(*parts, label=said(share), width="100%", height=height, class_="headline")


def row(share: Share, axis: Axis) -> Markup:
    """An accuracy on an axis, with ticks as in `scale`."""
    middle = _HEIGHT / 2
    parts = [_tick(axis, each, _HEIGHT) for each in axis.ticks]
    if share.low is not None and share.high is not None:
        parts.append(_line(axis, share.low, share.high, middle, "interval"))
    parts.append(element("circle", class_="dot", cx=axis.place(share.value), cy=middle, r=_RADIUS))
    return figure(*parts, label=said(share), width="100%", height=_HEIGHT, class_="row")


def scale(axis: Axis) -> Markup:
    """The names of an axis's ticks."""
    words = [
        element("text", f"{tick:.0%}", x=axis.place(tick), y=12, text_anchor="middle")
        for tick in axis.ticks
    ]
    return element("svg", *words, width="100%", height=16, class_="row scale", aria_hidden="true")


def class_rows(estimate: Estimate, classes: Sequence[str]) -> tuple[list[ClassRow], Axis]:
    """The classes that there is an estimate of, the weakest first, on one axis."""
    counts = estimate.counts or [None] * len(classes)
    there = [
        (name, share, count)
        for name, share, count in zip(classes, estimate.by_class, counts, strict=False)
        if share is not None
    ]
    axis = Axis.of([share for _, share, _ in there])
    there.sort(key=lambda each: each[1].value)
    return [ClassRow(name, share, count, row(share, axis)) for name, share, count in there], axis


def _tick(axis: Axis, share: float, height: float) -> Markup:
    place = axis.place(share)
    return element("line", class_="tick", x1=place, x2=place, y1=0, y2=height)


def _line(axis: Axis, low: float, high: float, y: float, kind: str) -> Markup:
    return element("line", class_=kind, x1=axis.place(low), x2=axis.place(high), y1=y, y2=y)
