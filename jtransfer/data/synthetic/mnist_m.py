"""MNIST-M made by its recipe: |digit - patch of a photograph| (Ganin & Lempitsky, ICML 2015)."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.sources.idx import load_idx
from jtransfer.data.synthetic.photos import random_patches, read_photos

SIDE = 32
_CHUNK = 4096  # images blended at a time


def load_mnist_m(split: str, root: Path, *, size: int | None = None, seed: int = 0) -> Examples:
    """Blend each MNIST digit of a split with a random patch of a random photograph.

    In the published test images the digit stands in the middle of 32x32 pixels, and every pixel
    that is not black counts as full ink (the images line up with MNIST's test digits, in order:
    their edges correlate .74 with those of the digits so made, .35 with those of the grey digits).
    So it is done here.

    Args:
      split: "train" or "test", of MNIST and of the photographs alike.
      root: the data root, with `mnist/` and `bsds500/{train,test}/`.
      size: number of images, a random subset of the digits; None for each digit once.
      seed: of the patches and the subset.

    Returns:
      Images [n, 32, 32, 3].

    Raises:
      DataError: if the digits or the photographs are missing.
    """
    digits = load_idx("mnist", split, root)
    random = np.random.default_rng((seed, ("train", "test").index(split)))
    if size is not None:
        digits = digits.take(subset(len(digits), size, random))
    photos = read_photos(root / "bsds500" / split, side=SIDE)
    patches = random_patches(photos, len(digits), random, side=SIDE)
    border = (SIDE - digits.images.shape[1]) // 2
    for start in range(0, len(digits), _CHUNK):
        part = slice(start, start + _CHUNK)
        around = ((0, 0), (border, border), (border, border), (0, 0))
        ink = np.pad(digits.images[part], around) > 0
        patches[part] = np.where(ink, 255 - patches[part], patches[part])  # |255 ink - patch|
    return Examples(patches, digits.labels, digits.classes, "synthetic:mnist_m")


def subset(available: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Positions of `size` of the available examples, in order, drawn without replacement.

    Raises:
      DataError: if there are not so many.
    """
    if not 1 <= size <= available:
        raise DataError(f"asked for {size:,} examples; expected 1 to {available:,}, all there are")
    return np.sort(random.choice(available, size, replace=False))
