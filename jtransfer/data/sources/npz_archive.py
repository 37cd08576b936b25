"""Arrays out of NumPy's .npz archives: plain ones, of sizes that are looked at first."""

import math
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy

from jtransfer.data.examples import DataError
from jtransfer.files.memory import in_units, require_plausible
from jtransfer.files.reading import open_regular, reading

_SUFFIX = ".npy"
_PACKED_BY = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz"}
_DEFLATED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes
_NAME = 64  # bytes of memory that a short name takes
_LARGEST_DIRECTORY = 1 << 23  # bytes, of 100,000 arrays; each takes a kilobyte of memory
_TAIL = (1 << 16) + 200  # bytes, a comment in which what stands at the end may hide
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

    def text(self, name: str, *, most: int = 1 << 32) -> tuple[str, ...]:
        """Read a list of names, of text or whole numbers.

        Args:
          name: of the array.
          most: names that there may be.

        Raises:
          DataError: as `read`, or if it is no such list, or longer.
        """
        (array,) = self.read(name)
        if array.ndim != 1 or array.dtype.kind not in "USiu":
            raise DataError(
                f"{self._file}: {name} is {array.dtype} of shape {array.shape}; expected a list of "
                "names. Save it as np.array([...]) of strings"
            )
        require_plausible(_NAME * array.size, self._size, f"{self._file}: {name}", error=DataError)
        if array.size > most:
            raise DataError(
                f"{self._file}: {name} has {array.size:,} entries; expected at most {most:,}. It "
                "is another array: name the right one"
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
    ):
        _require_short_directory(stream)
        with zipfile.ZipFile(stream) as packed:
            yield Archive(file, packed, os.fstat(stream.fileno()).st_size)


def _require_short_directory(stream: BinaryIO) -> None:
    """Refuse an archive of very many members before zipfile lists them.

    How long the list is stands at the end, and again before it where a file is larger than 4 GiB.
    """
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
    tail = stream.read()
    stream.seek(0)
    for mark, form, place in ((b"PK\x05\x06", "<I", 12), (b"PK\x06\x06", "<Q", 40)):
        start = tail.rfind(mark)
        if 0 <= start <= len(tail) - place - 8:
            (length,) = struct.unpack_from(form, tail, start + place)
            if _LARGEST_DIRECTORY < length != 0xFFFFFFFF:
                raise ValueError(f"it has members whose names alone take {in_units(length)}")


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
