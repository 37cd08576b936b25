"""Digits drawn from fonts, white on black, and blended with photographs as MNIST-M is made."""

from functools import partial

import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.data.synthetic.glyphs import HEIGHT, digit_masks, sampled, shipped_fonts
from jtransfer.data.synthetic.photos import random_patches, shipped_photos
from jtransfer.data.synthetic.sizes import require_drawable

SIDE = 28  # as MNIST's
_CHUNK = 2048  # images drawn at a time
_SIZES = {"train": 6_000, "test": 2_000}


def load_font_digits(split: str, *, size: int | None = None, seed: int = 0) -> Examples:
    """Draw one digit in the middle of each image, as MNIST's stand, from matplotlib's fonts.

    They are turned by a normal angle of deviation 8 degrees, slanted, stretched and shifted.

    Args:
      split: "train" or "test"; the same seed draws other images for each.
      size: number of images; by default 6,000 to train and 2,000 to test.
      seed: of everything that is drawn.

    Returns:
      Images [n, 28, 28, 1], white on black.

    Raises:
      DataError: if `size` is not positive or too large.
    """
    return _drawn("synthetic:font_digits", split, size, _generator(split, seed, 0))


def load_blended_digits(split: str, *, size: int | None = None, seed: int = 0) -> Examples:
    """Other such digits, each blended with a patch of a photograph: |digit - patch|.

    The recipe of MNIST-M (Ganin & Lempitsky, ICML 2015, section 4.1), with scikit-learn's two
    photographs: their upper halves to train, their lower ones to test. Arguments and errors are
    those of `load_font_digits`; images are [n, 28, 28, 3].
    """
    random = _generator(split, seed, 1)
    digits = _drawn("synthetic:blended_digits", split, size, random)
    patches = random_patches(shipped_photos(split), len(digits), random, side=SIDE)
    blended = np.abs(digits.images.astype(np.int16) - patches).astype(np.uint8)
    return Examples(blended, digits.labels, digits.classes, digits.name)


def _generator(split: str, seed: int, domain: int) -> np.random.Generator:
    return np.random.default_rng((seed, ("train", "test").index(split), domain))


def _drawn(name: str, split: str, size: int | None, random: np.random.Generator) -> Examples:
    size = _SIZES[split] if size is None else size
    require_drawable(size, "drawn digits", side=SIDE)
    masks, _ = digit_masks(shipped_fonts())
    images = np.empty((size, SIDE, SIDE, 1), np.uint8)
    labels = random.integers(0, 10, size, np.int32)
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        images[part] = _posed(masks, labels[part], random)[..., None]
    return Examples(images, labels, tuple(str(digit) for digit in range(10)), name)


def _posed(masks: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Each digit in a random font and pose: [n, SIDE, SIDE] uint8."""
    count = len(labels)
    uniform = partial(random.uniform, size=(count, 1))
    scale = HEIGHT / uniform(16, 22)  # pixels of a cell for each of the image
    angle = random.normal(0, np.deg2rad(8), (count, 1))
    slant = random.normal(0, 0.15, (count, 1))
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, 1, -1) - (SIDE - 1) / 2
    down, across = rows - uniform(-2, 2), columns - uniform(-2, 2)
    v = scale * (np.cos(angle) * down - np.sin(angle) * across)
    u = scale * (np.sin(angle) * down + np.cos(angle) * across) / uniform(0.8, 1.2) - slant * v
    ink = sampled(masks[random.integers(len(masks), size=count), labels], v, u)
    return np.rint(255 * ink.reshape(count, SIDE, SIDE)).astype(np.uint8)
