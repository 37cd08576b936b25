import numpy as np
import pytest

from jtransfer.data.sources.decoding import read_rgb
from jtransfer.measure.overlays import overlays_figure

IMAGES = np.random.default_rng(0).integers(0, 255, (2, 12, 16, 3)).astype(np.uint8)
MASKS = np.random.default_rng(1).integers(0, 3, (2, 12, 16))


def red(path):
    pixels = np.asarray(read_rgb(path)).astype(int)
    return (np.abs(pixels - [200, 69, 63]).max(axis=-1) < 3).sum()


def test_wrong_pixels_are_red_and_those_without_a_class_are_not(tmp_path):
    classes = ("road", "car", "tree")
    overlays_figure(IMAGES, MASKS, MASKS, tmp_path / "right.png", classes=classes)
    overlays_figure(IMAGES, MASKS, (MASKS + 1) % 3, tmp_path / "wrong.png", classes=classes)
    masks = np.full_like(MASKS, 9)
    overlays_figure(
        IMAGES, masks, MASKS, tmp_path / "ignored.png", classes=classes, ignored=9, title="none"
    )
    assert red(tmp_path / "right.png") == red(tmp_path / "ignored.png") == 0
    assert red(tmp_path / "wrong.png") > 10_000


def test_more_classes_than_the_palette_has(tmp_path):
    names = [f"class {number}" for number in range(21)]
    overlays_figure(IMAGES, MASKS + 18, MASKS, tmp_path / "many.png", classes=names)
    assert read_rgb(tmp_path / "many.png").width == round(4 * 2.3 * 130)


def test_what_does_not_fit(tmp_path):
    with pytest.raises(ValueError, match="a class for every pixel"):
        overlays_figure(IMAGES, MASKS[:1], MASKS, tmp_path / "a.png", classes=("a", "b", "c"))
    with pytest.raises(ValueError, match="there is a class 2 and 2 class names"):
        overlays_figure(IMAGES, MASKS, MASKS, tmp_path / "a.png", classes=("a", "b"))
