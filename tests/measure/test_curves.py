import numpy as np
import pytest
from matplotlib.colors import to_rgb

from jtransfer.measure.canvas import PALETTE
from jtransfer.measure.curves import curves_figure
from tests.measure.picture import drawn_in, pixels_of

RECORDS = [{"step": step, "loss": 1 / step, "reversal": step / 50} for step in range(1, 51)]


def columns_of(file, colour):
    """Pixel columns in which something is drawn in just that colour."""
    return np.flatnonzero(drawn_in(file, colour).any(axis=0))


def test_each_run_has_its_colour_over_all_steps(tmp_path):
    file = tmp_path / "curves.png"
    other = [{**record, "loss": record["loss"] + 1} for record in RECORDS]
    # A record of an evaluation lacks the loss, and the line goes on.
    other.insert(10, {"step": 10, "target_accuracy": 0.5})
    curves_figure({"first": RECORDS, "second": other}, file, left=("loss",))
    assert pixels_of(file).shape == (650, 1170, 3)
    for colour in PALETTE[:2]:
        assert np.ptp(columns_of(file, colour)) > 900
    assert not len(columns_of(file, PALETTE[3]))


def test_lambda_is_drawn_on_its_own_axis(tmp_path):
    with_it, without = tmp_path / "with.png", tmp_path / "without.png"
    curves_figure({"run": RECORDS}, with_it, left=("loss",))
    curves_figure({"run": RECORDS}, without, left=("loss",), right=())
    assert with_it.read_bytes() != without.read_bytes()


def test_a_run_without_lambda_stands_beside_one_with_it(tmp_path):
    source_only = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}]
    runs = {"source only": source_only, "DANN": RECORDS}
    curves_figure(runs, tmp_path / "a.png", left=("loss",))
    assert (tmp_path / "a.png").exists()


def test_one_record_is_seen(tmp_path):
    file = tmp_path / "a.png"
    curves_figure({"run": [{"step": 5, "loss": 1.0}]}, file, left=("loss",), right=())
    drawn = pixels_of(file).astype(int)
    blue = np.round(np.multiply(255, to_rgb(PALETTE[0])))
    # The middle of the axes, where the one point lies, without the legend below.
    assert (np.abs(drawn[100:500, 400:800] - blue).max(axis=-1) < 20).any()


def test_a_metric_that_no_run_has(tmp_path):
    with pytest.raises(ValueError, match=r"no run has the metric 'los', expected .*loss, reversal"):
        curves_figure({"run": RECORDS}, tmp_path / "a.png", left=("los",))
    with pytest.raises(ValueError, match="no run has the metric 'loss', expected some of none"):
        curves_figure({}, tmp_path / "a.png", left=("loss",))
    with pytest.raises(ValueError, match="left is empty"):
        curves_figure({"run": RECORDS}, tmp_path / "a.png", left=())


def test_a_record_without_step(tmp_path):
    with pytest.raises(ValueError, match=r"a record of 'run' has no 'step': {'loss': 1}"):
        curves_figure({"run": [{"loss": 1}]}, tmp_path / "a.png", left=("loss",), right=())
