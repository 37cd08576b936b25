import numpy as np
import pytest

from jtransfer.measure.confusion import confusion_figure
from tests.measure.picture import pixels_of


def cell(file, row, column, *, name_length):
    """The colour beside the text of a cell of a 10-class figure."""
    left, top = 0.6 + 0.085 * name_length, 0.54
    y, x = (130 * (start + 0.48 * (index + 0.15)) for start, index in ((top, row), (left, column)))
    return pixels_of(file).astype(int)[round(y), round(x)]


def test_colour_is_the_share_of_the_true_class(tmp_path):
    file = tmp_path / "confusion.png"
    counts = np.zeros((10, 10), int)
    counts[0, 0], counts[1, 1], counts[2, 2], counts[2, 3] = 7, 7000, 30, 10
    confusion_figure(counts, [str(digit) for digit in range(10)], file)
    # In inches: names and margins, ten cells of 0.48, the scale; below, cells, one line of title.
    assert pixels_of(file).shape == (
        int(130 * (0.7 + 4.8 + 0.54)),
        int(130 * (0.6 + 0.085 + 4.8 + 1.1)),
        3,
    )
    colours = {
        at: cell(file, *at, name_length=1) for at in ((0, 0), (1, 1), (2, 2), (2, 3), (9, 9))
    }
    # All of 7 and all of 7,000 are both all; the more, the darker; nothing is nearly white.
    np.testing.assert_array_equal(colours[0, 0], colours[1, 1])
    order = [colours[at].sum() for at in ((0, 0), (2, 2), (2, 3), (9, 9))]
    assert order == sorted(order)
    assert len(set(order)) == 4
    assert colours[9, 9].min() > 240


def test_many_classes_and_long_names(tmp_path):
    for k in (1, 3, 50):
        names = [f"class with a long name {index}" for index in range(k)]
        confusion_figure(np.eye(k, dtype=int), names, tmp_path / f"{k}.png", title="x " * 60)
        assert pixels_of(tmp_path / f"{k}.png").shape[1] > 400


@pytest.mark.parametrize(("k", "room"), [(31, 2), (110, 3), (111, 0)])
def test_names_outlast_the_counts(tmp_path, k, room):
    file = tmp_path / "confusion.png"
    confusion_figure(np.eye(k, dtype=int), [str(number) for number in range(k)], file)
    # In inches: margin, 0.085 a letter of the longest name, cells, scale.
    assert pixels_of(file).shape[1] == int(130 * (0.6 + 0.085 * room + 14.4 + 1.1))


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.eye(3), r"shape \(3, 3\) and there are 2 class names"),
        (np.ones((2, 3)), r"shape \(2, 3\)"),
        ([[1, -1], [0, 1]], "negative or non-finite"),
        ([[1, np.nan], [0, 1]], "negative or non-finite"),
    ],
)
def test_what_is_not_a_confusion_matrix(tmp_path, matrix, says):
    with pytest.raises(ValueError, match=says):
        confusion_figure(matrix, ["cat", "dog"], tmp_path / "a.png")
