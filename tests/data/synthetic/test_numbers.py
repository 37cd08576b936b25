import numpy as np
import pytest

from jtransfer.data import DataError, load
from jtransfer.data.synthetic.glyphs import CELL, sampled, shipped_fonts
from jtransfer.data.synthetic.numbers import _draw, draw_numbers, load_numbers


def test_the_same_seed_draws_the_same_and_others_draw_others():
    first, again = (load("synthetic:numbers", "train", size=30, seed=1) for _ in range(2))
    assert first.fingerprint() == again.fingerprint()
    assert first.images.shape == (30, 32, 32, 3)
    others = [load_numbers("train", size=30, seed=2), load_numbers("test", size=30, seed=1)]
    assert all(other.fingerprint() != first.fingerprint() for other in others)


def test_all_digits_come_about_equally_often():
    labels = load_numbers("train", size=2000).labels
    counts = np.bincount(labels, minlength=10)
    # 200 each, with a deviation of about 13
    assert counts.min() > 140
    assert counts.max() < 260


def test_the_centre_holds_ink_that_stands_out():
    images = load_numbers("train", size=300).images.astype(int)
    spread = images.max((1, 2)) - images.min((1, 2))
    assert (spread.max(axis=1) > 40).mean() > 0.97


def test_sampling_a_cell_by_hand():
    cell = np.zeros((1, CELL, CELL), np.float32)
    cell[0, 20, 20], cell[0, 20, 21] = 1.0, 0.5
    half = 0.5  # the centre of an even cell lies between pixels 19 and 20
    v, u = np.array([[half, half, half, 99.0]]), np.array([[half, half + 1, half + 0.5, 0.0]])
    np.testing.assert_allclose(sampled(cell, v, u), [[1.0, 0.5, 0.75, 0.0]], atol=1e-6)


def test_fonts_of_a_folder_join_in(tmp_path):
    font = shipped_fonts()[0]
    (tmp_path / "mine.ttf").write_bytes(font.read_bytes())
    joined = load_numbers("train", size=30, fonts=tmp_path)
    assert joined.fingerprint() != load_numbers("train", size=30).fingerprint()


def test_a_folder_without_usable_fonts_is_an_error(tmp_path):
    with pytest.raises(DataError, match="found no fonts"):
        load_numbers("train", size=1, fonts=tmp_path)
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(DataError, match=r"broken\.ttf begins as no font does"):
        load_numbers("train", size=1, fonts=tmp_path)


def test_an_empty_drawing_is_an_error():
    with pytest.raises(DataError, match="asked for 0 drawn numbers"):
        load("synthetic:numbers", "train", size=0)


def test_fonts_and_rotation_are_told():
    drawn = draw_numbers("train", size=2500, seed=4)
    assert drawn.examples.fingerprint() == load_numbers("train", size=2500, seed=4).fingerprint()
    assert len(drawn.font_names) == len(shipped_fonts())
    counts = np.bincount(drawn.fonts, minlength=len(drawn.font_names))
    assert counts.min() > 125 - 5 * 11  # 125 each, with a deviation of about 11
    assert drawn.angles.dtype == np.float32
    assert abs(drawn.angles.mean()) < 1
    assert drawn.angles.std() == pytest.approx(12, rel=0.06)


def test_a_level_stroke_is_turned_by_the_angle_whatever_the_shear():
    masks = np.zeros((1, 10, CELL, CELL), np.float32)
    masks[..., CELL // 2 - 1 : CELL // 2 + 1, 2:-2] = 1.0
    labels = np.zeros(60, np.int64)
    far = np.full((1, 10), 1e3, np.float32)  # neighbours stand outside
    ink, fonts, angles = _draw(labels, masks, far, np.random.default_rng(0))
    assert not fonts.any()
    down, across = np.mgrid[: ink.shape[1], : ink.shape[2]]
    for picture, angle in zip(ink, angles, strict=True):
        centre = [np.average(places, weights=picture) for places in (across, down)]
        x, y = across - centre[0], down - centre[1]
        axis = np.linalg.eigh(np.cov(np.stack([x.ravel(), y.ravel()]), aweights=picture.ravel()))
        slope = axis.eigenvectors[1, 1] / axis.eigenvectors[0, 1]  # rows grow downwards
        assert np.arctan(slope) == pytest.approx(angle, abs=np.deg2rad(2))


def test_cropped_numbers_fill_the_image_whatever_the_digit():
    masks, widths = np.zeros((1, 10, CELL, CELL), np.float32), np.zeros((1, 10), np.float32)
    for digit, width in ((1, 8), (8, 16)):  # 24 high
        masks[0, digit, 8:32, 20 - width // 2 : 20 + width // 2] = 1
        widths[0, digit] = width
    for digit in (1, 8):
        labels = np.full(100, digit)
        ink, _, _ = _draw(labels, masks, widths, np.random.default_rng(0), cropped=True)
        filled = (ink > 0.5).mean(axis=(1, 2))
        # Heights of 26 to 33 and widths of .65 to 1.05 of 32 pixels, less what turning cuts off; a
        # stroke is never made wider than 2.5 times.
        assert filled.mean() == pytest.approx(0.75 if digit == 8 else 0.68, abs=0.08)
    drawn = draw_numbers("train", size=500, cropped=True)
    assert set(drawn.fonts) == set(range(len(drawn.font_names)))
    made = load("synthetic:cropped_numbers", "train", size=5)
    assert made.name == "synthetic:cropped_numbers"
    assert made.fingerprint() != load("synthetic:numbers", "train", size=5).fingerprint()
