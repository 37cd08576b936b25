import numpy as np
import pytest
from PIL import Image, ImageDraw

from jtransfer.data.synthetic.pictogram_edits import (
    bordered,
    inside_border,
    largest_dark_part,
    redrawn,
    straight_six,
)
from tests.data.drawn_rings import BLACK, RED, dark, ring


def test_the_inside_is_what_the_border_encloses_with_its_symbol():
    inside = inside_border(ring(20, symbol=(50, 50, 69, 69)))
    assert Image.fromarray(inside).getbbox() == pytest.approx((30, 30, 90, 90), abs=1)
    assert inside[60, 60] == inside[40, 60] == 255
    assert inside[60, 15] == inside[0, 0] == 0
    assert not inside_border(Image.new("RGBA", (30, 30), RED)).any()


def test_a_sign_gets_another_border_and_its_symbol_shrinks_with_the_room():
    # From a ring 5 wide to one 20 wide, the inside shrinks from 90 to 60 pixels across.
    made = bordered(ring(5, symbol=(45, 45, 74, 74)), ring(20))
    np.testing.assert_array_equal(np.array(made)[60, 12:28], np.array(ring(20))[60, 12:28])
    box = Image.fromarray(dark(made)).getbbox()
    assert box == pytest.approx((50, 50, 70, 70), abs=1)


def test_digits_get_their_size_and_weight():
    # A hollow rectangle with strokes of 12 pixels, to be 40 high, 50 wide, with strokes of 5.
    picture = ring(10, symbol=(35, 30, 84, 89))
    ImageDraw.Draw(picture).rectangle((47, 42, 72, 77), fill="white")
    made = dark(redrawn(picture, 0.4, 0.5, 0.05, 0))
    # Of the scaled strokes, half of what they lose in weight is lost outside.
    left, top, right, bottom = Image.fromarray(made).getbbox()
    assert 40 <= right - left <= 50
    assert 33 <= bottom - top <= 40
    row = made[60]
    strokes = np.flatnonzero(np.diff(row.astype(int)))
    assert np.diff(strokes)[[0, 2]] == pytest.approx([5, 5], abs=2)


def test_a_symbol_is_turned_in_its_place():
    # An upright bar, turned by 90 degrees, lies: 50 of the sign's 100 pixels wide and 10 high.
    made = dark(redrawn(ring(10, symbol=(55, 40, 64, 89)), 0.1, 0.5, None, 90))
    assert Image.fromarray(made).getbbox() == pytest.approx((35, 60, 85, 70), abs=2)


def test_of_the_dark_parts_the_largest_stays():
    picture = ring(10, symbol=(40, 40, 69, 69))
    ImageDraw.Draw(picture).rectangle((40, 80, 49, 83), fill=BLACK)
    expected = ring(10, symbol=(40, 40, 69, 69))
    np.testing.assert_array_equal(np.array(largest_dark_part(picture)), np.array(expected))
    for plain in (ring(10), Image.new("RGBA", (30, 30))):
        np.testing.assert_array_equal(np.array(largest_dark_part(plain)), np.array(plain))


def test_a_six_gets_a_bowl_and_a_straight_stem_in_its_place():
    picture = ring(10, symbol=(35, 40, 54, 79))
    ImageDraw.Draw(picture).rectangle((64, 40, 83, 79), fill=BLACK)
    made = dark(straight_six(picture))
    six = made[:, :60]
    left, top, right, bottom = Image.fromarray(six).getbbox()
    assert (left, right, bottom) == (35, 55, 80)
    assert top == pytest.approx(40, abs=3)  # a slanted stroke ends square to itself
    assert not six[68, 45]  # inside the bowl, from 56 to 79
    assert not six[:54, 52:].any()  # right of the stem
    middles = [np.flatnonzero(six[row]).mean() for row in (44, 48, 52)]
    assert middles[0] - middles[1] == pytest.approx(middles[1] - middles[2], abs=0.6)
    assert made[40:80, 64:84].all()
    empty = ring(10)
    assert straight_six(empty) is empty
