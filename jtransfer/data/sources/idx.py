"""IDX files, the format that MNIST is published in."""

import gzip
import math
import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.memory import require_plausible
from jtransfer.files.reading import is_there, open_regular, reading

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

    Memory is taken for what the header says, if the file could hold it, and no more is unpacked.

    Raises:
      DataError: if the file is truncated or not of that kind.
    """
    packed = file.suffix == ".gz"
    with ExitStack() as stack:
        kind = "a gzip file" if packed else "an IDX file"
        stack.enter_context(reading(file, f"{kind} that is whole", error=DataError, kinds=(kind,)))
        there = stack.enter_context(open_regular(file))
        size = os.fstat(there.fileno()).st_size
        if not size:
            raise EOFError
        stream = gzip.GzipFile(fileobj=there) if packed else there
        head = stream.read(HEAD)
        shape = _shape(head, dimensions, file)
        expected = math.prod(shape)
        require_plausible(expected, size, str(file), error=DataError)
        start = 4 + 4 * dimensions
        content = head[start:] + stream.read(max(expected - len(head) + start, 0))
        if len(content) != expected or stream.read(1):
            raise DataError(
                f"{file} holds {_in_words(len(content), expected)} bytes of data; expected "
                f"{expected:,} for shape {shape}. It is truncated or damaged: fetch it again"
            )
        return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(head: bytes, dimensions: int, file: Path) -> tuple[int, ...]:
    magic = bytes((0, 0, 8, dimensions))  # two zeros, the code of unsigned bytes, dimensions
    if head[:4] != magic:
        kind = kind_of(head)
        raise DataError(
            f"{file} {f'is {kind}' if kind else f'begins with {head[:4].hex(chr(32))}'}; "
            f"expected {magic.hex(' ')}, an IDX file of bytes with {dimensions} dimension(s). It "
            "is another kind of file: fetch it again"
        )
    if len(head) < 4 + 4 * dimensions:
        raise EOFError("the file ends within its header")
    return tuple(np.frombuffer(head, ">u4", dimensions, 4).tolist())


def _in_words(there: int, expected: int) -> str:
    return f"more than {expected:,}" if there >= expected else f"{there:,}"


def _find(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if is_there(file):
            return file
    raise DataError(
        f"found neither {name} nor {name}.gz in {folder}; expected MNIST's four original files "
        "there. Put them there, or name the right data root by --data-root or JTRANSFER_DATA"
    )
