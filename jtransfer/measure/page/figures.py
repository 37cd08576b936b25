"""The drawings of a report, for the template to place."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jtransfer.measure.page.confusion_chart import MOST_CLASSES, confusion_chart
from jtransfer.measure.page.content import Candidate, ImageMap, Report
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
      maps: title, method, legend and drawing of each; of a legend name, number, colour and shape of
        every class that is there.
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
    maps: Sequence[tuple[str, str, list[tuple[str, int, str, str]], Markup]] = ()


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
    drawn["maps"] = [
        (
            each.title,
            each.method,
            _legend(each, each.classes or report.classes),
            map_chart(each, each.classes or report.classes, shapes=number == 0),
        )
        for number, each in enumerate(report.maps)
    ]
    return Figures(**drawn)  # pyright: ignore[reportArgumentType]


def _legend(image_map: ImageMap, classes: Sequence[str]) -> list[tuple[str, int, str, str]]:
    there = {sample.label for sample in image_map.samples}
    return [(name, number, *look(number)) for number, name in enumerate(classes) if name in there]
