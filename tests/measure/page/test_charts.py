from xml.etree import ElementTree

import numpy as np
import pytest

from jtransfer.measure.page import Calibration, Candidate, Estimate, ImageMap, Sample, Share
from jtransfer.measure.page.confusion_chart import confusion_chart
from jtransfer.measure.page.content import ReliabilityBin
from jtransfer.measure.page.depth_chart import depth_charts
from jtransfer.measure.page.drawing import Axis, duration, element, number, percent
from jtransfer.measure.page.interval_charts import class_rows, headline, row
from jtransfer.measure.page.map_chart import description, look, map_chart
from jtransfer.measure.page.reliability_chart import reliability_chart


def all_of(drawing: str, tag: str, class_: str | None = None) -> list[ElementTree.Element]:
    found = ElementTree.fromstring(drawing).iter(tag)
    return [each for each in found if class_ in (None, *each.get("class", "").split())]


def test_what_is_said_of_numbers():
    assert [percent(each) for each in (0, 0.00001, 0.98312, 0.99999, 1)] == [
        "0%",
        "0.1%",
        "98.3%",
        "99.9%",
        "100%",
    ]
    assert [number(each) for each in (3.0, 2.449, -0.5)] == ["3", "2.4", "-0.5"]
    assert [duration(each) for each in (7, 200, 5400)] == ["7.0 s", "3.3 min", "1.5 h"]
    assert element("a", "<", b_c='"', d_=None) == '<a b-c="&#34;">&lt;</a>'


@pytest.mark.parametrize(
    ("shares", "ticks"),
    [
        ([Share(0.97, 0.95, 0.98), Share(0.96)], [0.95, 0.96, 0.97, 0.98]),
        ([Share(0.9, 0.71, 1.0)], [0.7, 0.8, 0.9, 1.0]),
        ([Share(0.0), Share(1.0)], [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([Share(1.0)], [0.99, 1.0]),
        ([Share(0.0)], [0.0, 0.01]),
        ([], [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_an_axis_has_few_round_ticks(shares, ticks):
    axis = Axis.of(shares)
    assert axis.ticks == pytest.approx(ticks)
    assert axis.at(ticks[0]) == pytest.approx(0, abs=1e-9)
    assert axis.at(ticks[-1]) == pytest.approx(1)


def test_an_interval_is_drawn_where_it_is():
    drawing = row(Share(0.9, 0.85, 0.95), Axis(0.1, 8, 10))
    (line,) = all_of(drawing, "line", "interval")
    (dot,) = all_of(drawing, "circle")
    assert (line.get("x1"), line.get("x2"), dot.get("cx")) == ("25.00%", "75.00%", "50.00%")
    assert ElementTree.fromstring(drawing).get("aria-label") == "90.0%, between 85.0% and 95.0%"
    (interval,) = all_of(headline(Share(0.9, 0.85, 0.95)), "line", "interval")
    assert (interval.get("x1"), interval.get("x2")) == ("85.00%", "95.00%")
    assert all_of(headline(Share(0.9)), "line", "interval") == []


def test_classes_come_weakest_first():
    estimate = Estimate(Share(0.8), by_class=[Share(0.9), None, Share(0.7)], counts=[10, 0, 20])
    rows, axis = class_rows(estimate, ["a", "b", "c"])
    assert [(row.name, row.count) for row in rows] == [("c", 20), ("a", 10)]
    assert axis.ticks == pytest.approx([0.7, 0.75, 0.8, 0.85, 0.9])


def test_a_depth_chart_for_each_trunk_of_several_layers():
    candidates = [
        Candidate("deep", "one", "svm", Share(0.5)),
        Candidate("deep", "two", "svm", Share(1.0), chosen=True),
        Candidate("deep", "two", "ridge", Share(0.75)),
        Candidate("flat", "one", "svm", Share(0.6)),
    ]
    ((trunk, probes, chart),) = depth_charts(candidates)
    assert (trunk, probes) == ("deep", ["svm", "ridge"])
    (line,) = all_of(chart, "polyline", "k0")
    # Two layers of 154 from 40 to 348; from 50% (176) to 100% (10).
    assert line.get("points") == "117,176 271,10"
    assert [dot.get("cy") for dot in all_of(chart, "circle", "k1")] == ["93"]
    assert len(all_of(chart, "circle", "chosen")) == 1


def test_bins_of_reliability_are_drawn_where_they_are():
    before = [ReliabilityBin(1.0, 0.0, 100), ReliabilityBin(0.5, 0.5, 25), ReliabilityBin(0, 0, 0)]
    drawing = reliability_chart(Calibration(before, [], 2.0, 0.3, 0.1))
    small, large = all_of(drawing, "circle", "before")
    # From 48 to 348 rightwards, from 316 to 12 upwards; areas as 1 to 4.
    assert (small.get("cx"), small.get("cy"), small.get("r")) == ("198", "164", "5")
    assert (large.get("cx"), large.get("cy"), large.get("r")) == ("348", "316", "10")
    assert all_of(drawing, "polyline", "before")[0].get("points") == "198,164 348,316"


def test_a_confusion_matrix_shows_counts_and_shares():
    drawing = confusion_chart([[3, 1], [0, 0]], ["fox", "wolf"])
    cells = all_of(drawing, "g", "cell")
    assert [cell.find("rect").get("fill-opacity") for cell in cells] == [
        "0.750",
        "0.250",
        "0.000",
        "0.000",
    ]
    assert [cell.findtext("text") for cell in cells] == ["3", "1", None, None]
    assert ["deep" in cell.get("class") for cell in cells] == [True, False, False, False]
    assert cells[1].findtext("title") == "fox taken for wolf: 1 of 4 (25.0%)"


def test_of_many_classes_the_confused_ones_are_drawn():
    counts = 100 * np.eye(60, dtype=int)
    counts[np.arange(40), (np.arange(40) + 1) % 40] = 5
    counts[50, 2] = 90
    drawing = confusion_chart(counts, [f"class {n}" for n in range(60)])
    titles = [cell.findtext("title") for cell in all_of(drawing, "g", "cell")]
    assert "class 50 taken for class 2: 90 of 190 (47.4%)" in titles
    names = {title.split(" taken")[0].split(" recog")[0] for title in titles}
    assert len(names) == 40
    assert "class 55" not in names


def test_a_map_fills_its_frame_and_marks_mistakes():
    samples = [
        Sample("1.jpg", b"\xff\xd8\xff", "a", "a"),
        Sample("2.jpg", None, "b", "a"),
        Sample("3.jpg"),
    ]
    drawing = map_chart(ImageMap(np.array([[0, 0], [10, 4], [5, 2]]), samples), ["a", "b"])
    marks = all_of(drawing, "use")
    places = [(mark.get("x"), mark.get("y")) for mark in marks]
    assert places == [("3.00%", "97.00%"), ("97.00%", "3.00%"), ("50.00%", "50.00%")]
    assert [mark.get("class") for mark in marks] == ["k0", "k1 wrong", "kx"]
    assert [mark.get("data-class") for mark in marks] == ["0", "1", None]
    assert marks[0].get("data-picture") == "data:image/jpeg;base64,/9j/"
    assert marks[1].findtext("title") == "labelled b, taken for a\n2.jpg"


def test_thirty_classes_look_different():
    assert len({look(each) for each in range(30)}) == 30


def test_one_point_is_a_map():
    drawing = map_chart(ImageMap(np.zeros((1, 2)), [Sample("a")]), [])
    assert all_of(drawing, "use")[0].get("x") == "3.00%"
    assert description(Sample("a", note="twice")) == "a\ntwice"
