"""Every image of a list looked at once: whether it can be read, how large it is, what it shows."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from jtransfer.data.examples import DataError
from jtransfer.data.sources.decoding import read_photograph
from jtransfer.files.memory import require_memory
from jtransfer.files.reading import open_regular, reading

TILE = 16  # pixels of the sides of what is kept of every image
_SMALL = 64  # of the square that the hash and the tile are made of
_DECODED = 256  # of the shorter side to which a JPEG is decoded
_AHEAD = 64  # images in work


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen of n files.

    Attributes:
      sizes: [n, 2] int32, width and height in pixels as the image is seen, upright; 0 where the
        file cannot be read.
      sha256: [n, 32] uint8, of the files' bytes.
      perceptual: [n] uint64, 64 bits that change little when an image is scaled or encoded anew:
        the signs of its lowest frequencies (`imagehash.phash`).
      tiles: [n, 16, 16, 3] uint8, the whole image scaled down.
      unreadable: the cause in a sentence, by position.
      flattened: positions of images that show white where they are transparent.
      moving: positions of images of which the first of several pictures is taken.
    """

    sizes: np.ndarray
    sha256: np.ndarray
    perceptual: np.ndarray
    tiles: np.ndarray
    unreadable: dict[int, str]
    flattened: tuple[int, ...]
    moving: tuple[int, ...]

    def readable(self) -> np.ndarray:
        """Positions of the files that can be read, ascending."""
        return np.flatnonzero(self.sizes[:, 0] > 0)


@dataclass(frozen=True)
class _Seen:
    size: tuple[int, int]
    sha256: bytes
    perceptual: int
    tile: np.ndarray
    flattened: bool
    moving: bool


def look(paths: Sequence[Path], *, what: str = "images", workers: int | None = None) -> Looked:
    """Read and decode every file; memory stays bounded by some images and a kilobyte for each.

    Args:
      paths: of the files.
      what: they are, for the bar that shows how far it is.
      workers: threads that decode; by default one a core.

    Raises:
      DataError: if what is kept of so many would not fit in memory.
    """
    count = len(paths)
    require_memory(1024 * count, f"what is kept of {count:,} images", error=DataError)
    looked = Looked(
        np.zeros((count, 2), np.int32),
        np.zeros((count, 32), np.uint8),
        np.zeros(count, np.uint64),
        np.zeros((count, TILE, TILE, 3), np.uint8),
        {},
        (),
        (),
    )
    flattened, moving = [], []
    bar = tqdm(
        _in_threads(paths, workers or os.cpu_count() or 1),
        desc=f"looking at {what}",
        total=count,
        unit="img",
        disable=None,
        leave=False,
    )
    for row, seen in enumerate(bar):
        if isinstance(seen, str):
            looked.unreadable[row] = seen
            continue
        looked.sizes[row] = seen.size
        looked.sha256[row] = np.frombuffer(seen.sha256, np.uint8)
        looked.perceptual[row] = seen.perceptual
        looked.tiles[row] = seen.tile
        flattened += [row] * seen.flattened
        moving += [row] * seen.moving
    return Looked(
        looked.sizes,
        looked.sha256,
        looked.perceptual,
        looked.tiles,
        looked.unreadable,
        tuple(flattened),
        tuple(moving),
    )


def _in_threads(paths: Sequence[Path], workers: int) -> Iterator[_Seen | str]:
    """In order, some ahead; decoders and hashes leave the interpreter to other threads."""
    with ThreadPoolExecutor(workers, "look") as pool:
        try:
            for start in range(0, len(paths), _AHEAD):
                yield from pool.map(_see, paths[start : start + _AHEAD])
        finally:
            pool.shutdown(cancel_futures=True)


def _see(path: Path) -> _Seen | str:
    """What one file shows, or why it cannot be read."""
    from imagehash import phash
    from PIL import Image

    try:
        seen = read_photograph(path, at_least=_DECODED)
        with reading(path, "a whole image", error=DataError), open_regular(path) as stream:
            sha256 = hashlib.file_digest(stream, "sha256").digest()
    except DataError as error:
        return str(error)
    small = seen.pixels.resize((_SMALL, _SMALL), Image.Resampling.BOX, reducing_gap=2.0)
    bits = np.packbits(phash(small).hash)
    tile = np.asarray(small.resize((TILE, TILE), Image.Resampling.BOX))
    return _Seen(
        seen.size, sha256, int.from_bytes(bits.tobytes()), tile, seen.transparent, seen.several
    )
