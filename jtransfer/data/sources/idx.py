"""IDX files, the format that MNIST is published in."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples

_PREFIXES = {"train": "train", "test": "t10k"}


def load_idx(what: str, split: str, root: Path) -> Examples:
    """Read `<root>/<what>/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]`.

    Args:
      what: name of the folder, such as `mnist`.
      split: "train" or "test".
      root: the data root.

    Returns:
      Grey images [n, height, width, 1] with classes "0" to "9".

    Raises:
      DataError: if a file is missing, truncated, or not an IDX file of bytes.
    """
    images = read_idx(_find(root / what, f"{_PREFIXES[split]}-images-idx3-ubyte"), dimensions=3)
    labels = read_idx(_find(root / what, f"{_PREFIXES[split]}-labels-idx1-ubyte"), dimensions=1)
    classes = tuple(str(digit) for digit in range(10))
    return Examples(images[..., None], labels.astype(np.int32), classes, f"idx:{what}")


def read_idx(file: Path, *, dimensions: int) -> np.ndarray:
    """Read one IDX file of unsigned bytes with a known number of dimensions.

    Raises:
      DataError: if the file is truncated or not of that kind.
    """
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{file} cannot be decompressed ({error}); expected a whole gzip file. "
            "It is truncated or damaged: fetch it again"
        ) from error
    header = 4 + 4 * dimensions
    magic = bytes((0, 0, 8, dimensions))  # two zeros, the code of unsigned bytes, dimensions
    if content[:4] != magic:
        raise DataError(
            f"{file} begins with {content[:4].hex(' ')}; expected {magic.hex(' ')}, an IDX file of "
            f"bytes with {dimensions} dimension(s). It is another kind of file: fetch it again"
        )
    shape = tuple(np.frombuffer(content[4:header].ljust(4 * dimensions, b"\0"), ">u4").tolist())
    if len(content) != header + math.prod(shape):
        raise DataError(
            f"{file} holds {max(len(content) - header, 0):,} bytes of data; expected "
            f"{math.prod(shape):,} for shape {shape}. It is truncated or damaged: fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _find(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.exists():
            return file
    raise DataError(
        f"found neither {name} nor {name}.gz in {folder}; expected MNIST's four original files "
        "there. Put them there, or name the right data root by --data-root or JTRANSFER_DATA"
    )
