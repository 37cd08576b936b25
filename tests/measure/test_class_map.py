import numpy as np
import pytest

from jtransfer.measure.class_map import class_map_figure
from tests.measure.picture import pixels_of

ROWS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_a_map_is_drawn(tmp_path):
    labels = np.repeat([0, 1, 2], 5)
    images = ROWS[labels] + 0.1 * np.random.default_rng(0).normal(size=(15, 3))
    class_map_figure(ROWS, images, labels, tmp_path / "map.png", classes=["fox", "cow", "bat"])
    pixels = pixels_of(tmp_path / "map.png")
    assert pixels.shape == (1170, 1105, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_a_name_for_each_class(tmp_path):
    with pytest.raises(ValueError, match="2 class names for 3 signatures"):
        class_map_figure(ROWS, ROWS, [0, 1, 2], tmp_path / "a.png", classes=["fox", "cow"])
