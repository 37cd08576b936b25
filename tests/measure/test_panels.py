import numpy as np
import pytest

from jtransfer.measure.canvas import PALETTE
from jtransfer.measure.panels import panels_figure
from tests.measure.picture import drawn_in, pixels_of

OPTIONS = {"lines": {"a_weight": "a", "b_weight": "b"}, "ylabel": "weight", "title": "Weights"}
RUNS = {
    "left": [{"step": step, "a_weight": 2.0**step, "b_weight": 1.0} for step in range(4)],
    "right": [{"step": step, "a_weight": 1.0, "b_weight": 0.5} for step in range(4)],
}


def test_every_run_has_a_panel_and_every_metric_its_colour(tmp_path):
    file = tmp_path / "panels.png"
    panels_figure(RUNS, file, **OPTIONS)
    height, width, _ = pixels_of(file).shape
    assert (height, width) == (455, 1300)
    for colour in PALETTE[:2]:
        columns = np.flatnonzero(drawn_in(file, colour)[: height * 3 // 4].any(axis=0))
        assert columns.min() < width / 4
        assert columns.max() > width * 3 / 4
    assert not drawn_in(file, PALETTE[2]).any()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_values_that_a_logarithm_cannot_show_are_an_error(tmp_path, value):
    runs = {"one": [{"step": 1, "a_weight": 1.0, "b_weight": value}]}
    with pytest.raises(ValueError, match="2 values of a_weight, b_weight in the runs one"):
        panels_figure(runs, tmp_path / "panels.png", **OPTIONS)
    with pytest.raises(ValueError, match="0 values"):
        panels_figure({}, tmp_path / "panels.png", **OPTIONS)
