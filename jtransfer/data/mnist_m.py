"""MNIST-M made by its recipe: |digit - patch of a photograph| (Ganin & Lempitsky, ICML 2015)."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.idx import load_idx

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
    patches = random_patches(read_photos(root / "bsds500" / split), len(digits), random)
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


def read_photos(folder: Path) -> list[np.ndarray]:
    """The photographs of a folder in order of their names, each [height, width, 3] uint8.

    Raises:
      DataError: if there are none.
    """
    from PIL import Image

    files = sorted(file for file in folder.glob("*") if file.suffix in (".jpg", ".jpeg", ".png"))
    if not files:
        raise DataError(
            f"found no photographs (.jpg, .png) in {folder}; expected those of BSDS500, or any "
            "others. Put some there, or name the right data root by --data-root or JTRANSFER_DATA"
        )
    photos = []
    for file in files:
        with Image.open(file) as photo:
            photos.append(np.asarray(photo.convert("RGB")))
    small = [file.name for file, p in zip(files, photos, strict=True) if min(p.shape[:2]) < SIDE]
    if small:
        raise DataError(f"{folder}: {small[0]} is smaller than {SIDE}x{SIDE} pixels; remove it")
    return photos


def random_patches(photos: list[np.ndarray], count: int, random: np.random.Generator) -> np.ndarray:
    """Random crops of random photographs: [count, 32, 32, 3] uint8."""
    patches = np.empty((count, SIDE, SIDE, 3), np.uint8)
    chosen = random.integers(len(photos), size=count)
    places = random.random((count, 2))
    for number, photo in enumerate(photos):
        windows = np.lib.stride_tricks.sliding_window_view(photo, (SIDE, SIDE), axis=(0, 1))
        positions = np.flatnonzero(chosen == number)
        top, left = (places[positions] * windows.shape[:2]).astype(int).T
        patches[positions] = windows[top, left].transpose(0, 2, 3, 1)
    return patches
