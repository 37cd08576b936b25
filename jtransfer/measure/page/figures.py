"""The drawings of a report, for the template to place."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jtransfer.measure.page.confusion_chart import MOST_CLASSES, confusion_chart
from jtransfer.measure.page.content import Candidate, Report
from jtransfer.measure.page.depth_chart import depth_charts
from jtransfer.measure.page.drawing import Axis
from jtransfer.measure.page.interval_charts import ClassRow, class_rows, headline, row, scale
from jtransfer.measure.page.map_chart import look, map_chart
from jtransfer.measure.page.reliability_chart import reliability_chart


@dataclass(frozen=True)
class Figures:
    """What could be drawn of a report; None or empty where it has no content for it.

    Attributes:
      headline: the estimate.
      classes: the estimate of each class, the weakest first.
      classes_scale: their axis.
      candidates: each with its drawing, the chosen one first, then the most accurate.
      candidates_scale: their axis.
      depth: trunk, probes, chart of each trunk.
      confusion: the heat map.
      confusion_classes: how many classes it shows.
      reliability: the diagram.
      map: of the images.
      legend: name, number, colour and shape of each class of the map.
    """

    headline: Markup | None = None
    classes: Sequence[ClassRow] = ()
    classes_scale: Markup | None = None
    candidates: Sequence[tuple[Candidate, Markup]] = ()
    candidates_scale: Markup | None = None
    depth: Sequence[tuple[str, list[str], Markup]] = ()
    confusion: Markup | None = None
    confusion_classes: int = 0
    reliability: Markup | None = None
    map: Markup | None = None
    legend: Sequence[tuple[str, int, str, str]] = ()


def draw(report: Report) -> Figures:
    """Draw what there is."""
    drawn: dict[str, object] = {}
    if report.estimate is not None:
        rows, axis = class_rows(report.estimate, report.classes)
        drawn |= {
            "headline": headline(report.estimate.overall),
            "classes": rows,
            "classes_scale": scale(axis),
        }
    if report.candidates:
        axis = Axis.of([each.accuracy for each in report.candidates])
        # What was chosen first: among equals it need not have the very best number.
        ordered = sorted(
            report.candidates, key=lambda each: (not each.chosen, -each.accuracy.value)
        )
        drawn |= {
            "candidates": [(each, row(each.accuracy, axis)) for each in ordered],
            "candidates_scale": scale(axis),
            "depth": depth_charts(report.candidates),
        }
    if report.confusion is not None and report.classes:
        drawn |= {
            "confusion": confusion_chart(report.confusion, report.classes),
            "confusion_classes": min(len(report.classes), MOST_CLASSES),
        }
    if report.calibration is not None:
        drawn["reliability"] = reliability_chart(report.calibration)
    if report.map is not None:
        there = {sample.label for sample in report.map.samples}
        drawn |= {
            "map": map_chart(report.map, report.classes),
            "legend": [
                (name, number, *look(number))
                for number, name in enumerate(report.classes)
                if name in there
            ],
        }
    return Figures(**drawn)  # pyright: ignore[reportArgumentType]
