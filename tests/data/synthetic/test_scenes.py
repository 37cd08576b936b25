import numpy as np

from jtransfer.data.loading import load_masks
from jtransfer.data.synthetic.scenes import CLASSES, load_scenes


def test_scenes_are_drawn_the_same_from_a_seed_and_others_for_each_split():
    first, again = (load_scenes("train", size=6, seed=3) for _ in range(2))
    assert first.fingerprint() == again.fingerprint()
    assert first.fingerprint() != load_scenes("val", size=6, seed=3).fingerprint()
    assert first.images.shape == (6, 96, 96, 3)


def test_every_class_is_drawn_and_no_shape_fills_an_image():
    masks = load_masks("synthetic:scenes", "val").masks
    shares = np.bincount(masks.ravel(), minlength=len(CLASSES)) / masks.size
    assert shares[0] > 0.5
    assert (shares[1:] > 0.01).all()
    assert all(len(np.unique(mask)) > 1 for mask in masks)


def test_a_ring_is_open_and_a_disc_is_not():
    scenes = load_scenes("train", size=60)
    ring = (scenes.masks == CLASSES.index("ring")).any(axis=(1, 2))
    assert 5 < ring.sum() < 60
