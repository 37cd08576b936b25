import numpy as np
import pytest

from jtransfer.measure.contact_sheet import contact_sheet_figure
from tests.measure.picture import pixels_of

CLASSES = ["accordion", "airplanes", "anchor"]
GREY = (120, 121, 122)
# The two colours of canvas.py.
BLUE, ORANGE = (0x2F, 0x6D, 0xB5), (0xE0, 0x7B, 0x2E)


def plain(*shape):
    images = np.empty((*shape, 20, 20, 3), np.uint8)
    images[:] = GREY
    return images


def drawn(folder, labels, found):
    file = folder / "sheet.png"
    labels, found = np.array(labels), np.array(found)
    contact_sheet_figure(
        (plain(*labels.shape), labels), (plain(*found.shape), found), file, classes=CLASSES
    )
    return pixels_of(file)


def corner(row, column):
    """Upper left pixel of a frame: a query stands 16 pixels apart from its neighbours."""
    return 52 + 30 + 20 + row * (20 + 130), 24 + column * 130 + (16 if column else 0)


def test_right_and_wrong_have_other_frames(tmp_path):
    pixels = drawn(tmp_path, [0, 2], [[0, 1, 0], [2, 2, 0]])
    assert pixels.shape == (52 + 30 + 2 * 150 + 12, 4 * 130 + 54, 3)
    marks = {(0, 1): True, (0, 2): False, (0, 3): True, (1, 1): True, (1, 2): True, (1, 3): False}
    for place, right in marks.items():
        top, left = corner(*place)
        frame = pixels[top, left : left + 120]
        if right:
            assert (frame == BLUE).all()
        else:
            # Eight pixels of colour, eight of white.
            dashes = (np.arange(120) // 8 % 2 == 0)[:, None]
            np.testing.assert_array_equal(frame, np.where(dashes, ORANGE, 255))
        assert (pixels[top + 4 : top + 116, left + 4 : left + 116] == GREY).all()
        assert not (pixels[top + 3, left + 4 : left + 116] == GREY).any()


def test_told_apart_without_colours():
    """The frames differ in lightness (CIE L* of the two, after the luminance of sRGB) as well."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    blue, orange = (luminance(np.array(colour) / 255) for colour in (BLUE, ORANGE))
    assert (116 * orange ** (1 / 3) - 16) - (116 * blue ** (1 / 3) - 16) > 10


def test_a_query_has_its_own_place(tmp_path):
    pixels = drawn(tmp_path, [1], [[1]])
    top, left = corner(0, 0)
    assert (pixels[top + 4 : top + 116, left + 4 : left + 116] == GREY).all()
    ink = (pixels == (0x24, 0x29, 0x2F)).all(axis=-1)
    assert ink[top, left : left + 120].all()
    # The names stand above the pictures.
    assert (pixels[top - 18 : top - 2, left : left + 120] < 100).any()


def test_images_of_any_size_fill_their_cell(tmp_path):
    image = np.zeros((1, 224, 448, 3), np.uint8)
    image[:, :, 224:] = 200
    file = tmp_path / "sheet.png"
    contact_sheet_figure(
        (image, np.array([0])), (plain(1, 1), np.array([[0]])), file, classes=CLASSES
    )
    top, left = corner(0, 0)
    cell = pixels_of(file)[top + 4 : top + 116, left + 4 : left + 116]
    assert (cell[:, :50] < 10).all()
    assert (cell[:, 62:] > 190).all()


@pytest.mark.parametrize(
    ("images", "labels", "found", "found_labels", "says"),
    [
        (plain(1) / 255, [0], plain(1, 2), [[0, 1]], r"queries are float64 \(1, 20, 20, 3\)"),
        (plain(1)[..., :1], [0], plain(1, 2), [[0, 1]], r"expected uint8 \[q, height, width, 3\]"),
        (plain(1), [0], plain(2), [0, 1], r"neighbours are uint8 \(2, 20, 20, 3\), expected"),
        (plain(1), [0, 1], plain(1, 2), [[0, 1]], r"and labels \(2,\), expected at least one"),
        (plain(0), [], plain(0, 2), np.zeros((0, 2)), "at least one image"),
        (plain(1), [0], plain(1, 2), [[0, 3]], "run from 0 to 3, but there are 3 class names"),
        (plain(1), [-1], plain(1, 2), [[0, 1]], "run from -1 to -1"),
        (plain(1), [0], plain(2, 1), [[0], [1]], "1 queries and neighbours of 2"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, images, labels, found, found_labels, says):
    with pytest.raises(ValueError, match=says):
        contact_sheet_figure(
            (images, np.array(labels)),
            (found, np.array(found_labels)),
            tmp_path / "a.png",
            classes=CLASSES,
        )
    assert not list(tmp_path.iterdir())
