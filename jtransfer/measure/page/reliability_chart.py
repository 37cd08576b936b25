"""How often guesses of each confidence are right, before and after calibration."""

from collections.abc import Sequence

from markupsafe import Markup

from jtransfer.measure.page.content import Calibration, ReliabilityBin
from jtransfer.measure.page.drawing import element, figure, number, percent

_SIDE, _LEFT, _BOTTOM, _EDGE = 360, 48, 44, 12
_SMALLEST, _LARGEST = 3.0, 10.0  # radius of a dot; its area grows with the examples
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_chart(calibration: Calibration) -> Markup:
    """A reliability diagram: confidence to the right, accuracy upwards (Guo et al., ICML 2017).

    On the diagonal probabilities are what they say. Before is hollow and dashed, after filled.
    """
    parts = []
    for tick in _TICKS:
        x, y = number(_x(tick)), number(_y(tick))
        parts += [
            element("line", class_="tick", x1=_LEFT, x2=_SIDE - _EDGE, y1=y, y2=y),
            element("line", class_="tick", x1=x, x2=x, y1=_EDGE, y2=_SIDE - _BOTTOM),
            element("text", f"{tick:.0%}", x=_LEFT - 6, y=number(_y(tick) + 4), text_anchor="end"),
            element("text", f"{tick:.0%}", x=x, y=_SIDE - _BOTTOM + 16, text_anchor="middle"),
        ]
    middle = number((_LEFT + _SIDE - _EDGE) / 2)
    parts += [
        element("text", "confidence of the guess", x=middle, y=_SIDE - 8, text_anchor="middle"),
        element(
            "text",
            "share that is right",
            transform=f"translate(11 {number((_EDGE + _SIDE - _BOTTOM) / 2)}) rotate(-90)",
            text_anchor="middle",
        ),
        element("line", class_="diagonal", x1=_x(0), y1=_y(0), x2=_x(1), y2=_y(1)),
        *_curve(calibration.before, "before"),
        *_curve(calibration.after, "after"),
    ]
    label = (
        "Reliability: expected calibration error "
        f"{percent(calibration.error_before)} before, {percent(calibration.error_after)} after"
    )
    return figure(*parts, label=label, viewBox=f"0 0 {_SIDE} {_SIDE}", class_="reliability")


def _curve(bins: Sequence[ReliabilityBin], kind: str) -> list[Markup]:
    there = sorted((each for each in bins if each.count), key=lambda each: each.confidence)
    most = max((each.count for each in there), default=1)
    line = " ".join(f"{number(_x(b.confidence))},{number(_y(b.accuracy))}" for b in there)
    dots = [
        element(
            "circle",
            element(
                "title",
                f"{kind}: {each.count:,} images, confidence {percent(each.confidence)}, "
                f"right {percent(each.accuracy)}",
            ),
            class_=kind,
            cx=number(_x(each.confidence)),
            cy=number(_y(each.accuracy)),
            r=number(max(_SMALLEST, _LARGEST * (each.count / most) ** 0.5)),
        )
        for each in there
    ]
    return [element("polyline", points=line, class_=kind), *dots]


def _x(share: float) -> float:
    return _LEFT + share * (_SIDE - _EDGE - _LEFT)


def _y(share: float) -> float:
    return _SIDE - _BOTTOM - share * (_SIDE - _BOTTOM - _EDGE)
