import jax
import numpy as np

from jtransfer.data.augment.image_and_mask import random_scale_crop_flip

IGNORED = 7


def batch(count=16, height=12, width=10):
    """Images that say in their pixels what their masks say."""
    masks = np.random.default_rng(0).integers(0, 5, (count, height, width)).astype(np.uint8)
    return {"target": {"image": np.repeat(masks[..., None], 3, axis=-1), "mask": masks}}


def changed(size, scale, **options):
    augment = random_scale_crop_flip(size, ignored=IGNORED, scale=scale, **options)
    return jax.jit(augment)(jax.random.key(0), batch())["target"]


def test_at_scale_one_windows_are_cut_and_half_are_mirrored():
    found, given = changed((8, 6), (1.0, 1.0)), batch()["target"]["mask"]
    assert found["mask"].dtype == np.uint8
    mirrored = 0
    for mask, whole in zip(np.asarray(found["mask"]), given, strict=True):
        # The corner lies between pixels, at one fraction for all of them: rounded, they are a
        # window of the image.
        windows = {
            whole[top : top + 8, left : left + 6].tobytes(): flip
            for flip, whole in ((0, whole), (1, whole[:, ::-1]))
            for top in range(5)
            for left in range(5)
        }
        assert mask.tobytes() in windows
        mirrored += windows[mask.tobytes()]
    assert 3 <= mirrored <= 13


def test_the_same_change_of_image_and_mask():
    masks = np.zeros((4, 12, 12), np.uint8)
    masks[:, 3:9, 3:9] = 4
    given = {"target": {"image": np.repeat(masks[..., None], 3, axis=-1), "mask": masks}}
    augment = random_scale_crop_flip((12, 12), ignored=IGNORED, scale=(0.8, 1.6))
    found = jax.jit(augment)(jax.random.key(3), given)["target"]
    image, mask = np.asarray(found["image"])[..., 0], np.asarray(found["mask"])
    inside = mask != IGNORED
    # The nearest pixel is of the class that more than half of the interpolated value comes from
    # along each axis; where all neighbours agree the two are equal.
    whole = np.isin(image, (0.0, 4.0)) & inside
    np.testing.assert_array_equal(image[whole], mask[whole])
    assert whole.mean() > 0.5
    assert (image[~inside] == 0).all()


def test_where_the_window_is_larger_the_rest_is_ignored():
    found = changed((24, 20), (1.0, 1.0))
    kept = (np.asarray(found["mask"]) != IGNORED).sum(axis=(1, 2))
    # 12 x 10 pixels, less the border that falls between two.
    assert kept.min() >= 11 * 9
    assert kept.max() <= 120
    counts = np.bincount(np.asarray(found["mask"]).ravel(), minlength=8)
    assert counts[5] == counts[6] == 0
