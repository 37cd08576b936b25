import numpy as np
import pytest

from jtransfer.measure.attribute_sheet import attribute_sheet_figure
from tests.measure.picture import drawn_in, pixels_of

BLUE, ORANGE = "#2f6db5", "#e07b2e"
TRUE = np.array([["red", "disc"], ["red", "cross"], ["blue", "disc"]])


def sheet(path, predicted, **blocks):
    images = np.full((3, 8, 8, 3), 120, np.uint8)
    attribute_sheet_figure({"first": (images, predicted, TRUE), **blocks}, path, columns=2)
    return path


def tile(pixels, row, column):
    """Of an image: 120 pixels, two lines of 17 below, 16 to the next."""
    top, left = 52 + 34 + row * (120 + 2 * 17 + 16), 24 + column * 158
    return pixels[top : top + 120, left : left + 120]


def test_a_wrong_attribute_is_marked(tmp_path):
    predicted = TRUE.copy()
    predicted[1, 1] = "square"
    path = sheet(tmp_path / "sheet.png", predicted)
    assert pixels_of(path).shape == (52 + 34 + 2 * 170 + 12, 2 * 158 + 48, 3)
    blue, orange = drawn_in(path, BLUE), drawn_in(path, ORANGE)
    for place, right in {(0, 0): True, (0, 1): False, (1, 0): True}.items():
        assert tile(blue, *place)[0].all() == right
        # The frame of a wrong one is dashed.
        assert tile(orange, *place)[0].any() != right
        assert not tile(orange, *place)[0].all()
    assert (tile(pixels_of(path), 0, 0)[4:-4, 4:-4] == 120).all()
    # Orange words stand only below the second image, in its second line.
    words = orange[52 + 34 + 120 : 52 + 34 + 120 + 34]
    assert words[17:, 182:].any()
    assert not words[:17].any()
    assert not words[:, :176].any()


def test_every_block_has_its_room(tmp_path):
    one = sheet(tmp_path / "one.png", TRUE)
    more = (np.zeros((1, 5, 9, 3), np.uint8), TRUE[:1], TRUE[:1])
    two = sheet(tmp_path / "two.png", TRUE, second=more)
    assert pixels_of(two).shape[0] == pixels_of(one).shape[0] + 34 + 170


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ((np.zeros((3, 8, 8, 3)), TRUE, TRUE), "are float64"),
        ((np.zeros((0, 8, 8, 3), np.uint8), TRUE[:0], TRUE[:0]), "at least one"),
        ((np.zeros((3, 8, 8, 3), np.uint8), TRUE[:2], TRUE), r"attributes \(2, 2\) and true ones"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, block, says):
    with pytest.raises(ValueError, match=says):
        attribute_sheet_figure({"a": block}, tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="0 blocks"):
        attribute_sheet_figure({}, tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())
