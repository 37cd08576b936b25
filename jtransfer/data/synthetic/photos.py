"""Photographs to cut grounds from, and clutter where there are none."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.data.sources.folder import SUFFIXES
from jtransfer.files.listing import entries
from jtransfer.files.memory import require_memory

_OCTAVES = (2, 4, 8, 16)  # patches of clutter across the image, coarse to fine


def read_photos(folder: Path, *, side: int) -> list[np.ndarray]:
    """The photographs of a folder in order of their names, each [height, width, 3] uint8.

    Args:
      folder: of image files, known by their suffixes; hidden ones and folders are passed over.
      side: of the patches to be cut from them, in pixels.

    Raises:
      DataError: if there are none, one cannot be read, and why, or is smaller than a patch, or
        they would not fit into memory together.
    """
    files = [
        file
        for file in entries(folder, error=DataError)
        if file.suffix.lower() in SUFFIXES and not file.is_dir()
    ]
    if not files:
        raise DataError(
            f"found no photographs (.jpg, .png) in {folder}; expected those of BSDS500, or any "
            "others. Put some there, or name the right data root by --data-root or JTRANSFER_DATA"
        )
    photos: list[np.ndarray] = []
    taken = 0
    for number, file in enumerate(files, start=1):
        photos.append(np.asarray(read_rgb(file)))
        taken += photos[-1].nbytes
        require_memory(taken, f"{number:,} of {len(files):,} photographs", error=DataError)
    small = [file.name for file, p in zip(files, photos, strict=True) if min(p.shape[:2]) < side]
    if small:
        raise DataError(f"{folder}: {small[0]} is smaller than {side}x{side} pixels; remove it")
    return photos


def shipped_photos(split: str) -> list[np.ndarray]:
    """The upper halves, "train", or the lower ones of the two photographs scikit-learn ships."""
    from sklearn.datasets import load_sample_image

    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    halves = [np.array_split(photo, 2) for photo in photos]
    return [upper if split == "train" else lower for upper, lower in halves]


def random_patches(
    photos: list[np.ndarray], count: int, random: np.random.Generator, *, side: int
) -> np.ndarray:
    """Random crops of random photographs: [count, side, side, 3] uint8."""
    patches = np.empty((count, side, side, 3), np.uint8)
    chosen = random.integers(len(photos), size=count)
    places = random.random((count, 2))
    for number, photo in enumerate(photos):
        windows = np.lib.stride_tricks.sliding_window_view(photo, (side, side), axis=(0, 1))
        positions = np.flatnonzero(chosen == number)
        top, left = (places[positions] * windows.shape[:2]).astype(int).T
        patches[positions] = windows[top, left].transpose(0, 2, 3, 1)
    return patches


def random_clutter(count: int, random: np.random.Generator, *, side: int) -> np.ndarray:
    """Coloured patches of several scales with some hard edges: [count, side, side, 3] uint8."""
    noise = np.zeros((count, side, side, 3), np.float32)
    for octave in _OCTAVES:
        spread = random.gamma(2, 0.2 / octave, (count, 1, 1, 1)).astype(np.float32)
        grid = random.standard_normal((count, octave + 1, octave + 1, 1), np.float32)
        tint = random.standard_normal((count, octave + 1, octave + 1, 3), np.float32)
        noise += spread * _magnify(grid + 0.15 * tint, side)
    # What lies on one side of a level line of coarse noise is another thing of another colour.
    edge = _magnify(random.standard_normal((count, 4, 4, 1), np.float32), side) > 0.3
    thing = random.normal(0, 0.15, (count, 1, 1, 3)).astype(np.float32)
    ground = random.uniform(0.1, 0.9, (count, 1, 1, 1)).astype(np.float32)
    return np.rint(255 * np.clip(ground + noise + edge * thing, 0, 1)).astype(np.uint8)


def _magnify(grids: np.ndarray, side: int) -> np.ndarray:
    """Bilinear magnification of [n, k, k, c] to [n, side, side, c], corners onto corners."""
    cells = grids.shape[1] - 1
    place = np.linspace(0, cells, side, dtype=np.float32)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells + 1))).astype(np.float32)
    return np.einsum("yi,nijc,xj->nyxc", weights, grids, weights, optimize=True)
