import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.synthetic.photos import _magnify, random_clutter, random_patches, read_photos


def test_patches_are_windows_of_the_photographs():
    photo = np.arange(6 * 5 * 3, dtype=np.uint8).reshape(6, 5, 3)
    random = np.random.default_rng(0)
    for patch in random_patches([photo], 20, random, side=4):
        top, left = divmod(int(patch[0, 0, 0]) // 3, 5)
        np.testing.assert_array_equal(patch, photo[top : top + 4, left : left + 4])


def test_grids_are_magnified_corner_onto_corner():
    grid = np.array([[0.0, 2.0], [4.0, 6.0]], np.float32)[None, :, :, None]
    expected = [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    np.testing.assert_allclose(_magnify(grid, 3)[0, :, :, 0], expected, atol=1e-6)


def test_clutter_differs_from_place_to_place_and_repeats_by_seed():
    made, again = (random_clutter(20, np.random.default_rng(3), side=24) for _ in range(2))
    assert made.shape == (20, 24, 24, 3)
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, again)
    assert (made.std(axis=(1, 2)).max(axis=1) > 5).all()


def test_photographs_are_read_whatever_their_suffix_and_others_named(tmp_path):
    for name in ("a.JPG", "b.png", "c.WebP"):
        Image.new("RGB", (30, 20), (200, 0, 0)).save(tmp_path / name)
    (tmp_path / "._a.JPG").touch()
    (tmp_path / "folder.jpg").mkdir()
    photos = read_photos(tmp_path, side=20)
    assert [photo.shape for photo in photos] == [(20, 30, 3)] * 3
    np.testing.assert_allclose(np.stack(photos)[:, 10, 10], [(200, 0, 0)] * 3, atol=4)
    with pytest.raises(DataError, match=r"a\.JPG is smaller than 21x21 pixels"):
        read_photos(tmp_path, side=21)
    (tmp_path / "d.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    with pytest.raises(DataError, match=r"d\.jpg is a PostScript file; expected a whole JPEG"):
        read_photos(tmp_path, side=20)


def test_photographs_that_would_fill_memory_are_not_all_read(tmp_path, monkeypatch):
    for number in range(4):
        Image.new("RGB", (300, 300)).save(tmp_path / f"{number}.png")
    monkeypatch.setenv("JTRANSFER_MEMORY", "0.0006")  # 644,245 bytes: two photographs
    with pytest.raises(DataError, match=r"3 of 4 photographs would take 791\.0 KiB of memory"):
        read_photos(tmp_path, side=20)


def test_no_photographs_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"found no photographs \(\.jpg, \.png\) in .*--data-root"):
        read_photos(tmp_path / "nothing", side=20)
