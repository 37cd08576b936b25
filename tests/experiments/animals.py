"""A small `awa1.npz` and word vectors, as the experiments on animals read them."""

from pathlib import Path

import numpy as np

NAMES = ("fox", "cow", "polar+bear", "seal", "bat", "ox", "rat", "hen")


def write_animals(folder: Path) -> Path:
    """Eight animals of three binary attributes; features show the attributes."""
    random = np.random.default_rng(0)
    binary = np.array([[n >> k & 1 for k in range(3)] for n in range(8)], np.uint8)
    labels = np.repeat(np.arange(8), 12)
    shown = np.c_[binary, 1 - binary][labels] * 200 + random.integers(0, 40, (96, 6))
    continuous = 80.0 * binary + 10
    continuous[1, 1] = -1
    np.savez(
        folder / "awa1.npz",
        rgsift_sqrt_u8=shown.astype(np.uint8),
        phog_u8=shown[:, ::-1].astype(np.uint8),
        label=labels,
        attributes_binary=binary,
        attributes_continuous=continuous,
        class_names=np.array(NAMES),
        attribute_names=np.array(["a", "b", "c"]),
        train_classes=np.array([NAMES[n] for n in (0, 1, 2, 4, 6, 7)]),
        test_classes=np.array([NAMES[n] for n in (3, 5)]),
    )
    words = sorted({word for name in NAMES for word in name.split("+")})
    np.savez(folder / "words.npz", words=np.array(words), vectors=random.normal(size=(9, 4)))
    return folder
