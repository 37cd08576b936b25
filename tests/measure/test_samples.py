import numpy as np
import pytest

from jtransfer.measure.samples import samples_figure
from tests.measure.picture import pixels_of

CLASSES = [str(digit) for digit in range(10)]
RED, BLUE = (201, 3, 5), (7, 11, 203)


def plain(count, side, colour):
    images = np.empty((count, side, side, 3), np.uint8)
    images[:] = colour
    return images, np.arange(count) % 10


def count(file, colour):
    return int((pixels_of(file) == colour).all(axis=-1).sum())


def test_pictures_are_copied_pixel_by_pixel(tmp_path):
    file = tmp_path / "samples.png"
    samples_figure(
        {"source": plain(5, 32, RED), "target": plain(2, 28, BLUE)},
        file,
        classes=CLASSES,
        columns=3,
    )
    # 32 pixels are magnified 3 times, 28 too: whole numbers, and no pixel of another colour.
    assert count(file, RED) == 5 * 96 * 96
    assert count(file, BLUE) == 2 * 84 * 84
    # Two margins and three pictures; title, two headings, three rows of 124, the lower margin.
    assert pixels_of(file).shape == (52 + 2 * 40 + 3 * 124 + 12, 2 * 24 + 3 * 104 - 8, 3)


def test_rows_bound_what_is_drawn_and_grey_is_grey(tmp_path):
    file = tmp_path / "samples.png"
    grey = np.full((9, 8, 8, 1), 77, np.uint8)
    samples_figure({"digits": (grey, np.zeros(9, int))}, file, classes=CLASSES, columns=2, rows=1)
    assert count(file, (77, 77, 77)) >= 2 * 96 * 96
    assert count(file, (77, 77, 77)) < 3 * 96 * 96


def test_pixels_keep_their_place(tmp_path):
    file = tmp_path / "samples.png"
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[0, 0, 0], image[0, 1, 1] = RED, BLUE
    samples_figure({"one": (image, np.array([4]))}, file, classes=CLASSES, columns=1)
    drawn = pixels_of(file)
    left, top = 24, 52 + 40 + 20
    assert tuple(drawn[top, left]) == tuple(drawn[top + 47, left + 47]) == RED
    assert tuple(drawn[top + 48, left + 48]) == tuple(drawn[top + 95, left + 95]) == BLUE


def test_large_pictures_are_reduced(tmp_path):
    file = tmp_path / "samples.png"
    samples_figure({"photos": plain(1, 300, RED)}, file, classes=CLASSES, columns=1)
    assert count(file, RED) == 96 * 96


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (
            np.zeros((2, 8, 8, 3)),
            [0, 1],
            r"images of 'x' are float64 \(2, 8, 8, 3\), expected uint8",
        ),
        (np.zeros((2, 8, 8), np.uint8), [0, 1], r"uint8 \(2, 8, 8\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), [0], r"and labels \(1,\), expected at least one"),
        (np.zeros((0, 8, 8, 3), np.uint8), [], "at least one image"),
        (np.zeros((1, 8, 8, 3), np.uint8), [10], "run from 10 to 10, but there are 10 class names"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, images, labels, says):
    with pytest.raises(ValueError, match=says):
        samples_figure({"x": (images, np.array(labels))}, tmp_path / "a.png", classes=CLASSES)
    assert not list(tmp_path.iterdir())


def test_no_domain(tmp_path):
    with pytest.raises(ValueError, match="0 domains"):
        samples_figure({}, tmp_path / "a.png", classes=CLASSES)
