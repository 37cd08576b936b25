import gzip

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, images, load
from tests.data.sources.test_idx import idx


@pytest.fixture
def root(tmp_path):
    """Four digits with faint and full ink, and two photographs of one colour each."""
    (tmp_path / "mnist").mkdir()
    digits = np.zeros((4, 28, 28))
    digits[:, 10, 5:9] = [1, 100, 255, 0]
    for prefix in ("train", "t10k"):
        name = tmp_path / "mnist" / prefix
        name.with_name(f"{prefix}-images-idx3-ubyte").write_bytes(idx(digits))
        labels = gzip.compress(idx(np.arange(4)))
        name.with_name(f"{prefix}-labels-idx1-ubyte.gz").write_bytes(labels)
    for split, colours in {"train": ((10, 20, 30), (200, 150, 100)), "test": ((0, 0, 9),)}.items():
        folder = tmp_path / "bsds500" / split
        folder.mkdir(parents=True)
        for number, colour in enumerate(colours):
            Image.new("RGB", (50, 40), colour).save(folder / f"{number}.png")
    return tmp_path


def test_every_pixel_that_is_not_black_inverts_the_photograph(root):
    made = load("synthetic:mnist_m", "train", data_root=root)
    assert made.images.shape == (4, 32, 32, 3)
    np.testing.assert_array_equal(made.labels, [0, 1, 2, 3])
    for image in made.images:
        ground = image[0, 0].astype(int)
        assert tuple(ground) in {(10, 20, 30), (200, 150, 100)}
        inked = (image != image[0, 0]).any(axis=-1)
        # MNIST's row 10, columns 5 to 7 (the fourth is black), under a border of two pixels
        assert set(zip(*np.nonzero(inked), strict=True)) == {(12, 7), (12, 8), (12, 9)}
        np.testing.assert_array_equal(image[12, 7], 255 - ground)


def test_splits_and_seeds_differ_and_repeat(root):
    prints = [
        load("synthetic:mnist_m", split, data_root=root, seed=seed).fingerprint()
        for split, seed in (("train", 0), ("train", 0), ("test", 0))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_subset_keeps_labels_with_their_digits(root):
    assert len(load("synthetic:mnist_m", "train", data_root=root, size=3)) == 3
    with pytest.raises(DataError, match="asked for 5 examples; expected 1 to 4"):
        load("synthetic:mnist_m", "train", data_root=root, size=5)


def test_photographs_must_be_there_and_large_enough(root):
    Image.new("RGB", (31, 40)).save(root / "bsds500" / "train" / "small.png")
    with pytest.raises(DataError, match=r"small\.png is smaller than 32x32"):
        load("synthetic:mnist_m", "train", data_root=root)
    for file in (root / "bsds500" / "train").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="found no photographs"):
        load("synthetic:mnist_m", "train", data_root=root)


@pytest.mark.slow
def test_the_digits_stand_where_they_stand_in_the_published_images(data_root):
    """Edges of published test images against those of MNIST's test digits, in order."""
    published = load("npz:mnist_m_test", "test", data_root=data_root)
    digits = load("idx:mnist", "test", data_root=data_root)
    np.testing.assert_array_equal(published.labels, digits.labels[: len(published)])
    ink = 255 * (images.fit(digits, size=32).images[:500] > 0)

    def edges(pictures):
        grey = pictures.astype(float).mean(axis=-1)
        steps = np.abs(np.diff(grey, axis=1))[:, :, 1:] + np.abs(np.diff(grey, axis=2))[:, 1:]
        steps -= steps.mean(axis=(1, 2), keepdims=True)
        return steps / np.linalg.norm(steps, axis=(1, 2), keepdims=True)

    pictures = edges(published.images[:500])
    in_place = (pictures * edges(ink)).sum(axis=(1, 2)).mean()
    shifted = (pictures * edges(np.roll(ink, 1, axis=1))).sum(axis=(1, 2)).mean()
    grey = images.fit(digits, size=32).images[:500]
    assert in_place > 0.7
    assert in_place > 1.5 * max(shifted, (pictures * edges(grey)).sum(axis=(1, 2)).mean())
