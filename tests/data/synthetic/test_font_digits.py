import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from jtransfer.data import DataError, load
from jtransfer.data.synthetic import font_digits
from jtransfer.data.synthetic.glyphs import digit_masks, shipped_fonts

NAMES = ("synthetic:font_digits", "synthetic:blended_digits")


@pytest.mark.parametrize(("name", "channels"), [(NAMES[0], 1), (NAMES[1], 3)])
def test_the_same_seed_draws_the_same_and_others_draw_others(name, channels):
    first, again = (load(name, "train", size=20, seed=1) for _ in range(2))
    assert first.images.shape == (20, 28, 28, channels)
    assert first.name == name
    others = [load(name, "train", size=20, seed=2), load(name, "test", size=20, seed=1)]
    prints = {each.fingerprint() for each in (first, again, *others)}
    assert len(prints) == 3


def test_a_digit_in_no_pose_is_its_glyph():
    """Seen through a generator whose every draw is the middle: straight, centred, 19 high."""

    class Middle:
        def uniform(self, low, high, size):
            return np.full(size, (low + high) / 2)

        def normal(self, mean, deviation, size):
            return np.full(size, mean)

        def integers(self, high, size):
            return np.zeros(size, int)

    masks, _ = digit_masks(shipped_fonts())
    image = font_digits._posed(masks, np.array([1]), Middle())[0]  # pyright: ignore
    rows = np.flatnonzero(image.max(axis=1) > 127)
    assert rows[-1] - rows[0] + 1 == pytest.approx(19, abs=1)
    assert (rows[-1] + rows[0]) / 2 == pytest.approx(13.5, abs=0.5)
    assert image.max() == 255
    assert image[:, [0, -1]].max() == 0


def test_a_blended_pixel_is_the_difference_of_digit_and_photograph(monkeypatch):
    patches = np.full((12, 28, 28, 3), (10, 200, 255), np.uint8)
    monkeypatch.setattr(font_digits, "random_patches", lambda *_, **__: patches)
    images = load(NAMES[1], "train", size=12).images.astype(int)
    np.testing.assert_array_equal(images[:, 0, 0], [[10, 200, 255]] * 12)  # no ink in the corner
    ink = 255 - images[..., 2]
    assert ink.max() == 255
    for channel, value in enumerate((10, 200, 255)):
        np.testing.assert_array_equal(images[..., channel], abs(ink - value))


def test_photographs_are_cut_in_halves_that_training_and_test_do_not_share(monkeypatch):
    seen = {}

    def patches(photos, count, random, *, side):
        seen[len(seen)] = photos
        return np.zeros((count, side, side, 3), np.uint8)

    monkeypatch.setattr(font_digits, "random_patches", patches)
    for split in ("train", "test"):
        load(NAMES[1], split, size=2)
    for upper, lower, name in zip(*seen.values(), ("china.jpg", "flower.jpg"), strict=True):
        np.testing.assert_array_equal(np.concatenate([upper, lower]), load_sample_image(name))


def test_an_empty_drawing_is_an_error():
    for name in NAMES:
        with pytest.raises(DataError, match="asked for 0 drawn digits"):
            load(name, "train", size=0)
