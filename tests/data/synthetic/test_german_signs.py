import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from jtransfer.data.synthetic.german_signs import german
from tests.data.drawn_rings import BLACK, RED, SIDE, dark, ring


def test_end_signs_get_five_stripes_that_rise_and_dark_symbols():
    picture = Image.new("RGBA", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((10, 10, 109, 109), fill="white")
    draw.rectangle((30, 30, 40, 40), fill=(130, 130, 130, 255))
    draw.line((60, 15, 60, 105), fill=BLACK, width=3)
    made = german({"32": picture})["32"]
    pixels = np.asarray(made)[..., 0]
    along = pixels[np.arange(20, 100), np.arange(20, 100)]  # across the stripes
    assert (np.diff((along[25:55] < 60).astype(int)) == 1).sum() == 5
    rising = pixels[np.arange(30, 90), 119 - np.arange(30, 90)]  # along the one in the middle
    assert (rising == 30).all()
    assert pixels[35, 35] == 78
    assert pixels[25, 60] == 255  # of what was black, nothing is left
    assert made.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


def test_a_roundabout_has_three_like_arrows_on_its_ground():
    blue = (0, 80, 160)
    picture = Image.new("RGBA", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((10, 10, 109, 109), fill=(*blue, 255))
    draw.rectangle((50, 50, 70, 70), fill="white")
    made = german({"40": picture})["40"]
    pixels = np.asarray(made)
    assert tuple(pixels[60, 60, :3]) == blue
    around = np.deg2rad(np.arange(360))
    rows, columns = (np.rint(59.5 + 31.5 * wave(around)).astype(int) for wave in (np.sin, np.cos))
    white = pixels[rows, columns, 0] == 255
    assert (np.diff(white.astype(int), append=white[0]) == 1).sum() == 3
    assert 0.5 < white.mean() < 0.75
    turned = np.asarray(made.rotate(120, center=(60, 60)))
    assert ((turned[..., 0] > 128) == (pixels[..., 0] > 128)).mean() > 0.97
    empty = Image.new("RGBA", (SIDE, SIDE))
    assert german({"40": empty})["40"] is empty


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


def test_right_of_way_is_a_broad_arrow_across_a_slim_bar():
    signs = {"11": ring(12, symbol=(45, 30, 74, 60)), "18": ring(12)}
    made = german(signs)["11"]
    ink = dark(made)
    # Room ends at 97 of 100 pixels a side: the foot is 9 above that, the tip 44 above the foot.
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert abs((rows[-1] - rows[0]) - 44) <= 2
    assert abs((columns[-1] - columns[0]) - 36) <= 2
    assert (ink[:, 21:60] != ink[:, 60:99][:, ::-1]).mean() < 0.01
    widths = ink.sum(axis=1)
    assert widths[rows[-1] - 10] == pytest.approx(17, abs=2)  # of the shaft
    assert (widths > 30).sum() == pytest.approx(6, abs=1)  # of the bar
    assert not ink[rows[-1], 58:62].any()  # the notch
    without = {"11": Image.new("RGBA", (SIDE, SIDE), RED)}
    assert german(without)["11"] is without["11"]


def test_a_bold_snowflake_has_gaps_between_its_arms():
    picture = ring(12)
    draw = ImageDraw.Draw(picture)
    for angle in np.deg2rad([0, 60, 120]):
        reach = 25 * np.array([np.cos(angle), np.sin(angle)])
        draw.line((*(60 - reach), *(60 + reach)), fill=BLACK, width=11)
    made = german({"30": picture})["30"]
    around = np.deg2rad(np.arange(360))
    rows, columns = (np.rint(60 + 10 * wave(around)).astype(int) for wave in (np.sin, np.cos))
    arms = []
    for sign in (picture, made):
        bold = dark(sign.filter(ImageFilter.MinFilter(5)))[rows, columns]
        arms.append((np.diff(bold.astype(int), append=bold[0]) == 1).sum())
    assert arms == [0, 6]
    assert np.asarray(dark(made)).any(axis=1).sum() < 34  # of 100 pixels
