import os
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.synthetic.glyphs import (
    CELL,
    HEIGHT,
    bolder,
    digit_masks,
    fonts_below,
    shipped_fonts,
)
from tests.files.damage import damaged, survive


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
    for name in ("family/z.OTF", "b.ttf", "a.ttf", "readme.txt", "._a.ttf"):
        (tmp_path / name).touch()
    names = [file.relative_to(tmp_path).as_posix() for file in fonts_below(tmp_path)]
    assert names == ["a.ttf", "b.ttf", "family/z.OTF"]


def test_fonts_whose_digits_are_symbols_are_left_out():
    names = {file.name for file in shipped_fonts()}
    assert "DejaVuSans.ttf" in names
    assert not {name for name in names if name.startswith(("cmsy", "cmex", "STIXSiz", "STIXNon"))}
    assert not names & {"cmmi10.ttf", "DejaVuSansDisplay.ttf", "DejaVuSerifDisplay.ttf"}


def test_a_broken_font_is_named_with_its_cause(tmp_path):
    whole, file = shipped_fonts()[0].read_bytes(), tmp_path / "broken.ttf"
    os.mkfifo(tmp_path / "pipe.ttf")
    for content, cause in (
        (b"not a font", r"begins as no font does \(b'not a fo'\); expected TrueType or OpenType"),
        (whole[:300], r"cannot be read \(.*truncated or damaged: fetch it again, or remove it"),
        (b"", "is empty, 0 bytes; expected a TrueType"),
        (b"%!PS-AdobeFont-1.0", "is a PostScript file; expected a TrueType or OpenType font"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=rf"broken\.ttf {cause}"):
            digit_masks.__wrapped__((file,))
    with pytest.raises(DataError, match=r"pipe\.ttf is a pipe, a socket or a device"):
        digit_masks((tmp_path / "pipe.ttf",))


def _draw_with(file, content):
    file.write_bytes(content)
    digit_masks.__wrapped__((file,))


def _font():
    """The shipped font of fewest bytes."""
    return min(shipped_fonts(), key=lambda file: file.stat().st_size).read_bytes()


def test_sixty_damages_of_a_font_draw_digits_or_give_a_sentence(tmp_path):
    for _, content in damaged(_font(), 60, seed=0):
        with suppress(DataError):
            _draw_with(tmp_path / "a.ttf", content)


@pytest.mark.slow
def test_a_thousand_damages_of_a_font(tmp_path):
    read = partial(_draw_with, tmp_path / "a.ttf")
    outcome = survive(read, _font(), 1000, error=DataError)
    assert not outcome.faults
    assert outcome.refused > 50


def test_bolder_strokes_keep_the_height():
    masks, widths = np.zeros((1, 10, CELL, CELL), np.float32), np.full((1, 10), 12, np.float32)
    masks[..., 8:32, 14:26] = 1  # a hollow rectangle 24 high, 12 wide, with strokes of 2
    masks[..., 10:30, 16:24] = 0
    same, as_wide = bolder(masks, widths, 0)
    np.testing.assert_array_equal(same, masks)
    np.testing.assert_array_equal(as_wide, widths)
    bold, wide = bolder(masks, widths, 2)
    # 28 high and 16 wide with strokes of 6, then all of it 24 / 28 of that.
    np.testing.assert_allclose(bold[0, 3].sum(axis=0).max(), 24, atol=1.5)
    np.testing.assert_allclose(bold[0, 3, 20], bold[0, 3, 20, ::-1], atol=1e-5)
    np.testing.assert_allclose(bold[0, 3, 20].sum(), 2 * 6 * 24 / 28, atol=0.6)
    np.testing.assert_allclose(wide, 16 * 24 / 28)
