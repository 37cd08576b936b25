import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, load
from jtransfer.data.synthetic.pictograms import CELL, SIGN, VARIANTS
from jtransfer.data.synthetic.signs import _designed, _sample, load_signs


@pytest.fixture
def root(tmp_path):
    """Two signs, a red and a blue one, and photographs of one grey."""
    folder = tmp_path / "sign_pictograms"
    folder.mkdir()
    for number, colour in enumerate(("red", "blue")):
        Image.new("RGBA", (60, 60), colour).save(folder / f"{number:02d}.png")
    for split in ("train", "test"):
        (tmp_path / "bsds500" / split).mkdir(parents=True)
        Image.new("RGB", (50, 40), (90, 90, 90)).save(tmp_path / "bsds500" / split / "a.png")
    return tmp_path


def test_the_same_seed_draws_the_same_and_others_draw_others(root):
    first, again = (load("synthetic:signs", "train", data_root=root, size=9) for _ in range(2))
    assert first.images.shape == (9, 40, 40, 3)
    assert first.classes == ("0", "1")
    assert first.fingerprint() == again.fingerprint()
    other = load("synthetic:signs", "train", data_root=root, size=9, seed=1)
    test = load("synthetic:signs", "test", data_root=root, size=9)
    assert len({each.fingerprint() for each in (first, other, test)}) == 3


def test_the_sign_of_the_label_fills_the_middle(root):
    made = load_signs("train", root, size=400)
    red, _, blue = made.images[:, 12:28, 12:28].mean(axis=(1, 2), dtype=float).T
    right = np.where(made.labels == 0, red > blue, blue > red)
    # The light of a few is so dim or so bright that nothing is left of the colour.
    assert right.mean() > 0.97
    assert 150 < made.labels.sum() < 250


def test_brightness_and_contrast_vary_as_a_camera_makes_them(root):
    brightness = load_signs("train", root, size=400).images.mean(axis=(1, 2, 3)) / 255
    assert np.quantile(brightness, 0.1) < 0.15
    assert np.quantile(brightness, 0.9) > 0.4


def test_without_photographs_clutter_is_drawn(root):
    plain = load_signs("train", root, size=60)
    clutter = load_signs("train", root, size=60, photos="none")

    def unrest(made):
        return made.images[:, :4].std(axis=(1, 2)).mean()

    assert unrest(clutter) > 2 * unrest(plain)


def test_any_folder_of_pictograms_is_a_domain(root):
    (root / "shapes").mkdir()
    Image.new("RGBA", (60, 30), "black").save(root / "shapes" / "bar.png")
    made = load("pictograms:shapes", "train", data_root=root, size=3)
    assert (made.classes, made.name) == (("bar",), "pictograms:shapes")


def test_sampling_a_cell_by_hand():
    cells = np.zeros((2, VARIANTS, CELL, CELL, 4), np.float32)
    middle = CELL // 2
    cells[1, 3, middle, middle] = [1, 0.5, 0, 1]
    pixel = 2 / SIGN  # the centre of an even cell lies between two pixels
    v = np.array([[pixel / 2, pixel / 2, 9.0]])
    u = np.array([[pixel / 2, pixel, 0.0]])
    sampled = _sample(cells, np.array([1]), np.array([3]), v, u)
    expected = [[1, 0.5, 0, 1], [0.5, 0.25, 0, 0.5], [0, 0, 0, 0]]
    np.testing.assert_allclose(sampled[0], expected, atol=1e-5)


def test_symbols_change_their_size_within_a_border_that_stays():
    u = np.tile(np.linspace(0.0, 1.0, 30, dtype=np.float32), (50, 1))
    v = np.zeros_like(u)
    moved_v, moved_u = _designed(v, u, np.random.default_rng(0))
    np.testing.assert_allclose(moved_v[:, -1], v[:, -1], atol=1e-6)
    np.testing.assert_allclose(moved_u[:, -1], u[:, -1], atol=1e-6)
    assert (np.diff(moved_u, axis=1) > 0).all()
    assert 0.05 < (moved_u[:, 15] / u[:, 15]).std() < 0.15


def test_an_empty_drawing_is_an_error(root):
    with pytest.raises(DataError, match="asked for 0 drawn signs"):
        load("synthetic:signs", "train", data_root=root, size=0)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"found no pictograms .*sign_pictograms"):
        load("synthetic:signs", "train", data_root=tmp_path)


@pytest.mark.slow
def test_drawn_signs_look_like_photographed_ones_by_their_statistics(data_root):
    """Medians over images, without labels, lie between the quartiles of real ones."""
    from jtransfer.data import images

    drawn = load("synthetic:signs", "train", data_root=data_root, size=1000)
    stored = load("npz:gtsrb32", "train", data_root=data_root, size=1000)
    assert drawn.classes == stored.classes
    real = images.fit(stored, size=40)

    def statistics(pictures):
        pixels = pictures.astype(np.float32) / 255
        grey = pixels.mean(axis=-1)
        colour = pixels.max(axis=-1) - pixels.min(axis=-1)
        steps = np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))
        contrast = grey.std(axis=(1, 2))
        border = np.concatenate([grey[:, :3], grey[:, -3:]], axis=1)
        return {
            "brightness": grey.mean(axis=(1, 2)),
            "contrast": contrast,
            "sharpness": steps / (contrast + 0.01),
            "colour": colour[:, 8:32, 8:32].mean(axis=(1, 2)),
            "contrast of the border": border.std(axis=(1, 2)),
        }

    expected = statistics(real.images)
    for name, values in statistics(drawn.images).items():
        low, high = np.quantile(expected[name], (0.25, 0.75))
        assert low < np.median(values) < high, name
