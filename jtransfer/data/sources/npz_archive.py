"""Arrays out of NumPy's .npz archives: plain ones, of sizes that are looked at first."""

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from jtransfer.data.examples import DataError
from jtransfer.files.memory import require_plausible
from jtransfer.files.reading import open_regular, reading

_SUFFIX = ".npy"
_PACKED_BY = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz"}
_DEFLATED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes
_NUMBERS, _TEXT = "biuf", "US"  # kinds of dtypes


class Archive:
    """An open archive of arrays."""

    def __init__(self, file: Path, packed: zipfile.ZipFile, size: int):
        self._file, self._packed, self._size = file, packed, size
        self._members: dict[str, zipfile.ZipInfo] = {}
        for each in packed.infolist():
            name = each.filename.removesuffix(_SUFFIX)
            if name in self._members:
                raise ValueError(f"{name} is there twice")
            if name != each.filename:
                self._members[name] = each

    @property
    def names(self) -> list[str]:
        """Names of the arrays."""
        return sorted(self._members)

    def read(self, *names: str) -> list[np.ndarray]:
        """Read arrays of numbers or text; nothing is executed.

        Raises:
          DataError: if one is not there, is encrypted or packed in a way that NumPy does not write,
            holds objects or records, or if they claim more data than the file could hold.
        """
        missing = [name for name in names if name not in self._members]
        if missing:
            raise DataError(
                f"{self._file} has no {' and no '.join(missing)}; it holds {self.names}. "
                "Name the right file or split, or rename the arrays"
            )
        total = sum(self._members[name].file_size for name in names)
        require_plausible(total, self._size, str(self._file), error=DataError)
        return [self._read(name) for name in names]

    def text(self, name: str) -> tuple[str, ...]:
        """Read a list of names, of text or whole numbers.

        Raises:
          DataError: as `read`, or if it is no such list.
        """
        (array,) = self.read(name)
        if array.ndim != 1 or array.dtype.kind not in "USiu":
            raise DataError(
                f"{self._file}: {name} is {array.dtype} of shape {array.shape}; expected a list of "
                "names. Save it as np.array([...]) of strings"
            )
        entries = array.tolist()
        return tuple(e.decode() if isinstance(e, bytes) else str(e) for e in entries)

    def _read(self, name: str) -> np.ndarray:
        member = self._members[name]
        self._require_readable(name, member)
        with self._packed.open(member) as stream:
            shape, by_columns, dtype = _header(stream)
            if dtype.kind not in _NUMBERS + _TEXT:
                raise DataError(
                    f"{self._file}: {name} is {_in_words(dtype)}; expected numbers or text. "
                    "Nothing of it was run: save it as a plain array, by .astype(...)"
                )
            if min(shape, default=0) < 0:
                raise ValueError(f"{name} has the shape {shape}")
            size = math.prod(shape) * dtype.itemsize
            if size != member.file_size - stream.tell():
                raise ValueError(
                    f"{name} holds {member.file_size - stream.tell():,} bytes where {shape} of "
                    f"{dtype} takes {size:,}"
                )
            content = bytearray(size)
            if _fill(stream, content) != size or stream.read(1):  # at the end sums are checked
                raise EOFError(f"{name} ends early")
        return np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")

    def _require_readable(self, name: str, member: zipfile.ZipInfo) -> None:
        if member.flag_bits & 1:
            raise DataError(
                f"{self._file}: {name} is encrypted; expected an archive as numpy.savez writes it. "
                "Unpack it with its password, and save it anew"
            )
        method = member.compress_type
        if method in _PACKED_BY:
            raise DataError(
                f"{self._file}: {name} is packed by {_PACKED_BY[method]}; expected what "
                "numpy.savez or savez_compressed writes. Unpack it, and save it anew by one of them"
            )
        if method not in _DEFLATED:
            raise ValueError(f"{name} is packed by the unknown method {method}")


@contextmanager
def open_npz(file: Path, expected: str, *, absent: str | None = None) -> Iterator[Archive]:
    """Open an archive and say what is so, whatever goes wrong with it in the block.

    Args:
      file: the archive.
      expected: what it should be, such as "an archive of words and vectors".
      absent: what to do where there is no such file.

    Raises:
      DataError: if the file cannot be opened, is no archive, or damaged.
    """
    more = {} if absent is None else {"absent": absent}
    with (
        reading(file, expected, error=DataError, kinds=("a zip archive",), **more),
        open_regular(file) as stream,
        zipfile.ZipFile(stream) as packed,
    ):
        yield Archive(file, packed, os.fstat(stream.fileno()).st_size)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns are together, and dtype; read as a literal, not run."""
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"an array of the format's version {version}")
    return read(stream)


def _fill(stream: IO[bytes], content: bytearray) -> int:
    view, filled = memoryview(content), 0
    while filled < len(content):
        part = stream.read(min(len(content) - filled, 1 << 22))
        if not part:
            break
        view[filled : filled + len(part)] = part
        filled += len(part)
    return filled


def _in_words(dtype: np.dtype) -> str:
    if dtype.hasobject:
        return "an array of objects, which is a pickle"
    if dtype.names or dtype.subdtype:
        return f"an array of records ({dtype})"
    return f"an array of {dtype}"
