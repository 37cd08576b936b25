"""MATLAB files of version 5: arrays of numbers, text, and cells of these.

The format is The MathWorks' "MAT-File Format", chapter 1, level 5. A reader in C that believes what
a damaged file says ends the process, as `scipy.io.loadmat` does for one damaged byte of forty; here
every size is held against what is there.
"""

import math
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.memory import require_plausible
from jtransfer.files.reading import read_bytes

Value = np.ndarray | str | list  # numbers, a line of text, or the cells or lines, column by column

MATLAB = "a MATLAB file"  # in `files.kinds`

_HEADER = 128
_TAG = 8
_PEEK = 4096  # bytes of a variable that surely hold its class, shape and name
_MOST_TEXTS, _LONGEST_TEXT = 100_000, 1 << 23
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED, _UTF8 = 1, 5, 6, 14, 15, 16
_CELL, _CHAR = 1, 4
_COMPLEX, _LOGICAL = 0x0800, 0x0200
# How numbers are stored, and of what type the array is that they make up.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
_STORED |= {12: "i8", 13: "u8", 16: "u1", 17: "u2"}
_ARRAYS = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"}
_ARRAYS |= {14: "i8", 15: "u8"}


def read_matlab(file: Path, names: Collection[str]) -> dict[str, Value]:
    """Read variables of a file; others in it are passed over.

    Args:
      file: saved by MATLAB (before `-v7.3`), Octave's `-v7`, or `scipy.io.savemat`.
      names: of the variables.

    Returns:
      {name: value} of those that are there. Numbers are arrays of their type and shape, a line of
      text a str, several lines or cells a list, column by column.

    Raises:
      DataError: if the file is of MATLAB 7.3, or claims more data than it could hold.
      Exception: of several kinds, if it is damaged or no such file; see `files.reading.reading`.
    """
    content = memoryview(read_bytes(file))
    order = _byte_order(content[:HEAD].tobytes(), file)
    found: dict[str, Value] = {}
    place = _HEADER
    while place < len(content):
        kind, data, place = _element(content, place, order)
        if kind == _COMPRESSED:
            wanted = _header(_unpacked(data, order, file, whole=False), order).name in names
            data = _unpacked(data, order, file, whole=True) if wanted else data
        elif kind == _MATRIX:
            wanted = _header(data, order).name in names
        else:
            raise ValueError(f"an element of type {kind} where a variable should begin")
        if wanted:
            found[_header(data, order).name] = _value(data, order, file, len(content))
    return found


class _Header(NamedTuple):
    kind: int
    flags: int
    shape: tuple[int, ...]
    name: str
    end: int  # where the values begin


def _byte_order(head: bytes, file: Path) -> str:
    if kind_of(head) == "an HDF5 file":
        raise DataError(
            f"{file} is of MATLAB 7.3, an HDF5 file; expected version 5, 6 or 7. Convert it in "
            "MATLAB: load it, then save('file.mat', '-v7')"
        )
    if len(head) < _HEADER or head[126:128] not in (b"IM", b"MI"):
        raise ValueError("no MATLAB file of version 5")
    order = "<" if head[126:128] == b"IM" else ">"
    if (version := int(np.frombuffer(head, f"{order}u2", 1, 124)[0])) != 0x0100:
        raise ValueError(f"a MATLAB file of the version {version:#06x}")
    return order


def _element(content: memoryview, place: int, order: str) -> tuple[int, memoryview, int]:
    """Type and data of the element at a place, and where the next one begins."""
    if len(content) - place < _TAG:
        raise EOFError("the file ends within a tag")
    kind, size = np.frombuffer(content, f"{order}u4", 2, place).tolist()
    if kind >> 16:  # small elements have their data in the tag
        kind, size = kind & 0xFFFF, kind >> 16
        start, end = place + 4, place + _TAG
        if size > 4:
            raise ValueError(f"a small element of {size} bytes")
    else:
        start = place + _TAG
        end = start + (size if kind == _COMPRESSED else -(-size // 8) * 8)
    if start + size > len(content):
        raise EOFError("the file ends within an element")
    return kind, content[start : start + size], end


def _unpacked(data: memoryview, order: str, file: Path, *, whole: bool) -> memoryview:
    """A compressed variable without its tag, or the first bytes of it."""
    head = zlib.decompressobj().decompress(data[: 2 * _PEEK], _PEEK)
    if len(head) < _TAG:
        raise EOFError("a compressed variable ends within its tag")
    kind, size = np.frombuffer(head, f"{order}u4", 2).tolist()
    if kind != _MATRIX:
        raise ValueError(f"a compressed element of type {kind}")
    require_plausible(size, len(data), str(file), error=DataError)
    if whole:
        unpacking = zlib.decompressobj()
        head = unpacking.decompress(data, size + _TAG + 1)
        if len(head) != size + _TAG or not unpacking.eof:
            raise ValueError(f"a compressed variable of other than its {size:,} bytes")
    return memoryview(head)[_TAG:]


def _header(data: memoryview, order: str) -> _Header:
    flags, shape, name = b"", b"", b""
    kind, flags, place = _element(data, 0, order)
    dimensions, shape, place = _element(data, place, order)
    text, name, place = _element(data, place, order)
    if (kind, len(flags), dimensions) != (_UINT32, 8, _INT32) or text not in (_INT8, _UTF8):
        raise ValueError("a variable without flags, shape and name")
    word = int(np.frombuffer(flags, f"{order}u4", 1)[0])
    sides = tuple(np.frombuffer(shape, f"{order}i4").tolist())
    if len(sides) < 2 or min(sides) < 0:
        raise ValueError(f"a variable of the shape {sides}")
    return _Header(word & 0xFF, word, sides, name.tobytes().decode(), place)


def _value(data: memoryview, order: str, file: Path, on_disk: int, *, cell: bool = False) -> Value:
    header = _header(data, order)
    count = math.prod(header.shape)
    if header.kind == _CELL and not cell:
        cells, place = [], header.end
        if count * _TAG > len(data):  # every cell has a tag at least
            raise EOFError(f"{count:,} cells in {len(data):,} bytes")
        _require_few(count, "cells")
        for _ in range(count):
            kind, content, place = _element(data, place, order)
            if kind != _MATRIX:
                raise ValueError(f"a cell of type {kind}")
            cells.append(_value(content, order, file, on_disk, cell=True) if len(content) else "")
        return cells
    if header.kind not in (_CHAR, *_ARRAYS) or header.flags & _COMPLEX:
        raise ValueError(
            f"{header.name or 'a cell'} is of class {header.kind}, or complex, where real numbers, "
            "text or cells of them are read"
        )
    stored, content, _ = _element(data, header.end, order)
    if header.kind == _CHAR:
        return _text(stored, content, header.shape, order)
    numbers = np.frombuffer(content, order + _STORED[stored])
    if len(numbers) != count:
        raise ValueError(f"{len(numbers):,} numbers for the shape {header.shape}")
    wanted = np.dtype(bool if header.flags & _LOGICAL else _ARRAYS[header.kind])
    require_plausible(count * wanted.itemsize, on_disk, str(file), error=DataError)
    return _cast(numbers, wanted).reshape(header.shape, order="F")


def _require_few(count: int, what: str) -> None:
    """Each becomes an object, of far more memory than it takes where it is packed."""
    if count > _MOST_TEXTS:
        raise ValueError(f"{count:,} {what}; expected at most {_MOST_TEXTS:,}, names of classes")


def _cast(numbers: np.ndarray, wanted: np.dtype) -> np.ndarray:
    """Numbers are stored in whatever type is narrow and holds them."""
    if numbers.dtype.kind == "f" and wanted.kind != "f":
        raise ValueError(f"{numbers.dtype} stored where the array is {wanted}")
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is named below
        cast = numbers.astype(wanted, copy=False)
    if not np.can_cast(numbers.dtype, wanted) and not np.array_equal(cast, numbers):
        raise ValueError(f"{numbers.dtype} that do not fit {wanted}")
    return cast


def _text(stored: int, content: memoryview, shape: tuple[int, ...], order: str) -> Value:
    """The lines of an array of characters, which stand column by column."""
    _require_few(shape[0], "lines of text")
    if len(content) > _LONGEST_TEXT:
        raise ValueError(f"a text of {len(content):,} bytes; expected at most {_LONGEST_TEXT:,}")
    if stored == _UTF8:
        units = np.array(list(content.tobytes().decode()), "U1")
    else:
        units = np.frombuffer(content, order + _STORED[stored])
    if units.size != math.prod(shape):
        raise ValueError(f"{units.size:,} characters for the shape {shape}")
    if not units.size:
        return ""
    lines = units.reshape(shape[0], -1, order="F")
    if stored == _UTF8:
        texts = ["".join(line) for line in lines.tolist()]
    else:
        texts = [line.astype("<u2").tobytes().decode("utf-16-le") for line in lines]
    return texts[0] if len(texts) == 1 else texts
