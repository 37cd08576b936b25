import numpy as np

from jtransfer.data import load


def test_scikit_learns_digits_are_split_in_halves_of_equal_shares():
    from sklearn.datasets import load_digits

    train, test = load("sklearn:digits", "train"), load("sklearn:digits", "test")
    assert (len(train), len(test)) == (898, 899)
    assert np.abs(np.bincount(train.labels) - np.bincount(test.labels)).max() <= 1
    images = np.concatenate([train.images, test.images])
    assert images.shape == (1797, 10, 10, 1)
    assert images[:, 0].max() == images[:, :, 9].max() == 0
    pixels = images[:, 1:9, 1:9].reshape(-1, 64)
    theirs = np.rint(load_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, pixels)) == sorted(map(bytes, theirs))
    assert train.images.max() == 255


def test_the_split_does_not_depend_on_the_seed():
    prints = {load("sklearn:digits", "train", seed=seed).fingerprint() for seed in (0, 1)}
    assert len(prints) == 1
    assert load("sklearn:digits", "test").classes == tuple("0123456789")
