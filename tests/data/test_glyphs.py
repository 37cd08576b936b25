import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.glyphs import CELL, HEIGHT, digit_masks, fonts_below, shipped_fonts


def test_every_shipped_font_draws_ten_different_digits_in_the_middle():
    fonts = shipped_fonts()
    assert len(fonts) >= 15
    masks, widths = digit_masks(fonts)
    assert masks.shape == (len(fonts), 10, CELL, CELL)
    assert 0 <= masks.min() <= masks.max() <= 1
    flat = masks.reshape(len(fonts), 10, -1)
    for digits in flat:
        assert len({digit.tobytes() for digit in digits}) == 10
    rows = masks.max(axis=3) > 0.1
    heights = rows.sum(axis=2)
    assert np.abs(heights[:, 0] - HEIGHT).max() <= 2
    assert widths.min() >= 3
    assert widths.max() <= CELL


def test_the_ink_of_a_digit_stands_in_the_middle_of_its_cell():
    masks, widths = digit_masks(shipped_fonts())
    for axis in (2, 3):
        inked = masks.max(axis=axis) > 0
        before = inked.argmax(axis=-1)
        after = inked[..., ::-1].argmax(axis=-1)
        assert np.abs(before - after).max() <= 1
        if axis == 2:  # what is left of the columns is the digit's width
            np.testing.assert_array_equal(CELL - before - after, widths)


def test_fonts_are_found_below_a_folder_in_order(tmp_path):
    (tmp_path / "family").mkdir()
    for name in ("family/z.OTF", "b.ttf", "a.ttf", "readme.txt"):
        (tmp_path / name).touch()
    names = [file.relative_to(tmp_path).as_posix() for file in fonts_below(tmp_path)]
    assert names == ["a.ttf", "b.ttf", "family/z.OTF"]


def test_fonts_whose_digits_are_symbols_are_left_out():
    names = {file.name for file in shipped_fonts()}
    assert "DejaVuSans.ttf" in names
    assert not {name for name in names if name.startswith(("cmsy", "cmex", "STIXSiz", "STIXNon"))}
    assert not names & {"cmmi10.ttf", "DejaVuSansDisplay.ttf", "DejaVuSerifDisplay.ttf"}


def test_a_broken_font_is_named(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(DataError, match=r"broken\.ttf cannot be read as a font"):
        digit_masks((tmp_path / "broken.ttf",))
