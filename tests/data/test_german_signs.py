import numpy as np
import pytest
from PIL import Image, ImageDraw

from jtransfer.data.german_signs import _bordered, _inside, _lettered, german

RED, BLACK = (220, 30, 40, 255), (0, 0, 0, 255)
SIDE = 120


def ring(width, *, symbol=None):
    """A red ring around white ground, `symbol` [left, top, right, bottom] black."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((10, 10, 109, 109), fill="white", outline=RED, width=width)
    if symbol:
        draw.rectangle(symbol, fill=BLACK)
    return picture


def dark(picture):
    """Where a picture is black and opaque."""
    pixels = np.asarray(picture)
    return (pixels[..., :3].max(axis=-1) < 128) & (pixels[..., 3] > 128)


def test_the_inside_is_what_the_border_encloses_with_its_symbol():
    inside = _inside(ring(20, symbol=(50, 50, 69, 69)))
    assert Image.fromarray(inside).getbbox() == pytest.approx((30, 30, 90, 90), abs=1)
    assert inside[60, 60] == inside[40, 60] == 255
    assert inside[60, 15] == inside[0, 0] == 0
    assert not _inside(Image.new("RGBA", (30, 30), RED)).any()


def test_a_sign_gets_another_border_and_its_symbol_shrinks_with_the_room():
    # From a ring 5 wide to one 20 wide, the inside shrinks from 90 to 60 pixels across.
    made = _bordered(ring(5, symbol=(45, 45, 74, 74)), ring(20))
    np.testing.assert_array_equal(np.array(made)[60, 12:28], np.array(ring(20))[60, 12:28])
    box = Image.fromarray(dark(made)).getbbox()
    assert box == pytest.approx((50, 50, 70, 70), abs=1)


def test_digits_get_their_size_and_weight():
    # A hollow rectangle with strokes of 12 pixels, to be 40 high, 50 wide, with strokes of 5.
    picture = ring(10, symbol=(35, 30, 84, 89))
    ImageDraw.Draw(picture).rectangle((47, 42, 72, 77), fill="white")
    made = dark(_lettered(picture, 0.4, 0.5, 0.05))
    # Of the scaled strokes, half of what they lose in weight is lost outside.
    left, top, right, bottom = Image.fromarray(made).getbbox()
    assert 40 <= right - left <= 50
    assert 33 <= bottom - top <= 40
    row = made[60]
    strokes = np.flatnonzero(np.diff(row.astype(int)))
    assert np.diff(strokes)[[0, 2]] == pytest.approx([5, 5], abs=2)


def test_some_signs_are_mirrored_and_the_lights_have_no_box():
    worker = ring(10, symbol=(30, 50, 40, 70))
    made = german({"25": worker, "26": worker, "33": worker, "stop": worker})
    np.testing.assert_array_equal(np.array(made["25"]), np.array(worker)[:, ::-1])
    assert not dark(made["26"]).any()
    assert made["33"] is made["stop"] is worker


def test_all_red_signs_of_a_form_get_one_border():
    signs = {"0": ring(5, symbol=(45, 45, 74, 74)), "15": ring(20), "9": ring(30)}
    made = german(signs)
    for name in ("0", "9"):
        np.testing.assert_array_equal(
            np.array(made[name])[60, 11:28], np.array(signs["15"])[60, 11:28]
        )
    alone = {"0": Image.new("RGBA", (SIDE, SIDE), RED), "15": ring(20)}
    assert german(alone)["0"] is alone["0"]
