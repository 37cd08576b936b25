"""Accuracy against the layers of a trunk, a line for each probe."""

from collections.abc import Sequence

from markupsafe import Markup

from jtransfer.measure.page.content import Candidate
from jtransfer.measure.page.drawing import Axis, element, figure, number, said

_WIDTH, _HEIGHT = 360, 176  # without the layers' names
_LEFT, _RIGHT, _TOP = 40, 12, 10
_LETTER, _SLOPE = 6.5, 0.71  # of a name that goes down by 45°
_LONGEST = 14  # letters of a layer's name
_MOST_NAMED = 12  # layers: of more, every other one is named, or every third


def depth_charts(candidates: Sequence[Candidate]) -> list[tuple[str, list[str], Markup]]:
    """A chart for each trunk of which two or more layers were tried, layers in the order given.

    Returns:
      (trunk, probes in the order of their colours, chart) of each.
    """
    axis = Axis.of([candidate.accuracy for candidate in candidates])
    probes = list(dict.fromkeys(candidate.probe for candidate in candidates))
    charts = []
    for trunk in dict.fromkeys(candidate.trunk for candidate in candidates):
        of_trunk = [candidate for candidate in candidates if candidate.trunk == trunk]
        layers = list(dict.fromkeys(candidate.layer for candidate in of_trunk))
        if len(layers) > 1:
            charts.append((trunk, probes, _chart(trunk, of_trunk, layers, probes, axis)))
    return charts


def _chart(
    trunk: str,
    candidates: Sequence[Candidate],
    layers: Sequence[str],
    probes: Sequence[str],
    axis: Axis,
) -> Markup:
    step = (_WIDTH - _LEFT - _RIGHT) / len(layers)

    def x(layer: str) -> float:
        return _LEFT + (layers.index(layer) + 0.5) * step

    def y(share: float) -> float:
        return _HEIGHT - axis.at(share) * (_HEIGHT - _TOP)

    named = layers[:: -(-len(layers) // _MOST_NAMED)]
    longest = min(max(map(len, named)), _LONGEST)
    parts = []
    for tick in axis.ticks:
        height = number(y(tick))
        parts.append(
            element("line", class_="tick", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=height, y2=height)
        )
        parts.append(
            element("text", f"{tick:.0%}", x=_LEFT - 6, y=number(y(tick) + 4), text_anchor="end")
        )
    for layer in named:
        name = layer if len(layer) <= _LONGEST else f"{layer[: _LONGEST - 1]}…"
        place = f"translate({number(x(layer) + 4)} {_HEIGHT + 12}) rotate(-45)"
        parts.append(element("text", name, transform=place, text_anchor="end"))
    for colour, probe in enumerate(probes):
        tried = [candidate for candidate in candidates if candidate.probe == probe]
        tried.sort(key=lambda candidate: layers.index(candidate.layer))
        line = " ".join(
            f"{number(x(each.layer))},{number(y(each.accuracy.value))}" for each in tried
        )
        parts.append(element("polyline", points=line, class_=f"k{colour % 10} d{colour % 3}"))
        parts += [
            element(
                "circle",
                element("title", f"{probe} on {each.layer}: {said(each.accuracy)}"),
                cx=number(x(each.layer)),
                cy=number(y(each.accuracy.value)),
                r=6 if each.chosen else 3.5,
                class_=f"k{colour % 10}{' chosen' if each.chosen else ''}",
            )
            for each in tried
        ]
    label = f"Accuracy against the layers of {trunk}"
    height = number(_HEIGHT + 16 + _SLOPE * _LETTER * longest)
    return figure(*parts, label=label, viewBox=f"0 0 {_WIDTH} {height}", class_="depth")
