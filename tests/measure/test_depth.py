import math

import numpy as np
import pytest

from jtransfer.measure.canvas import PALETTE
from jtransfer.measure.depth import depth_figure
from tests.measure.picture import drawn_in, pixels_of

LAYERS = ("conv1", "conv2", "fc3")
MEASURED = {"SVM": {"conv1": (0.2, 0.01), "conv2": (0.5, 0.02), "fc3": (0.8, math.nan)}}


def rows_of(file, colour):
    """Pixel rows in which something is drawn in just that colour."""
    return np.flatnonzero(drawn_in(file, colour).any(axis=1))


def test_every_classifier_has_its_colour(tmp_path):
    file = tmp_path / "depth.png"
    both = {**MEASURED, "softmax": {"fc3": (0.7, 0.0)}}
    depth_figure(both, file, layers=LAYERS)
    assert pixels_of(file).shape == (650, 1170, 3)
    # From the lowest accuracy to the highest, while a single point takes little height.
    assert np.ptp(rows_of(file, PALETTE[0])) > 300
    assert 0 < len(rows_of(file, PALETTE[1])) < 80
    assert not len(rows_of(file, PALETTE[2]))


def test_published_numbers_add_a_line(tmp_path):
    alone, beside = tmp_path / "alone.png", tmp_path / "beside.png"
    depth_figure(MEASURED, alone, layers=LAYERS)
    depth_figure(MEASURED, beside, layers=LAYERS, published={"SVM": {"conv1": 0.4, "fc3": 0.9}})
    assert alone.read_bytes() != beside.read_bytes()


@pytest.mark.parametrize("measured", [{}, {"SVM": {}}, {"SVM": {"conv9": (0.5, 0.1)}}])
def test_nothing_to_draw(tmp_path, measured):
    with pytest.raises(ValueError, match=r"expected at least one accuracy, each of a named layer"):
        depth_figure(measured, tmp_path / "depth.png", layers=LAYERS)


def test_only_png(tmp_path):
    with pytest.raises(ValueError, match=r"end the name in \.png"):
        depth_figure(MEASURED, tmp_path / "depth.pdf", layers=LAYERS)
