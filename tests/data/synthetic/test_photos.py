import numpy as np

from jtransfer.data.synthetic.photos import _magnify, random_clutter, random_patches


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
