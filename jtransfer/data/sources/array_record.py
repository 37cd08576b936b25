"""ArrayRecord files, in which TensorFlow Datasets keeps examples to be read by position.

They are of the Riegeli format (github.com/google/riegeli, doc/riegeli_records_file_format.md): its
checksums cover every header and every byte of data, so that no damage goes unnoticed.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from jtransfer.data.examples import DataError
from jtransfer.files.memory import require_plausible
from jtransfer.files.reading import open_regular

_BLOCK = 1 << 16  # every block of the file begins with a header, which may interrupt a chunk's
_BLOCK_HEADER = 24
_CHUNK_KINDS = b"smprt"  # signature, metadata, padding, records, transposed records
_CHUNK_HEADER = struct.Struct("<QQQQQ")  # hash, size, hash of data, type and records, size unpacked


def read_records(file: Path, count: int) -> Iterator[bytes]:
    """Read the records of one file in their order.

    Args:
      file: of the format.
      count: how many records it must have.

    Raises:
      DataError: if it has another number of them, or claims more data than it could hold.
      Exception: of several kinds, if it is damaged; see `files.reading.reading`.
    """
    from array_record.python.array_record_module import ArrayRecordReader

    with open_regular(file) as stream:  # the reader itself would wait for a pipe
        size = os.fstat(stream.fileno()).st_size
        require_plausible(_unpacked(stream, size), size, str(file), error=DataError)
    reader = ArrayRecordReader(str(file), "")
    try:
        if reader.num_records() != count:
            raise ValueError(f"{reader.num_records():,} records where {count:,} are listed")
        for position in range(count):
            (record,) = reader.read([position])
            yield record
    finally:
        reader.close()


def _unpacked(stream: BinaryIO, size: int) -> int:
    """Bytes that the chunks of a file say they hold, before one of them is unpacked."""
    total = start = 0
    while start + _CHUNK_HEADER.size <= size - _BLOCK_HEADER * -(-size // _BLOCK):
        header = _read(stream, start, _CHUNK_HEADER.size)
        _, packed, _, kind, unpacked = _CHUNK_HEADER.unpack(header)
        if kind & 0xFF not in _CHUNK_KINDS:
            raise ValueError("no ArrayRecord file, or a damaged one")
        total += unpacked
        start += _CHUNK_HEADER.size + packed
    return total


def _read(stream: BinaryIO, start: int, count: int) -> bytes:
    """Bytes from a position on, where headers of blocks are not counted."""
    content = b""
    inside = _BLOCK - _BLOCK_HEADER
    while len(content) < count:
        block, place = divmod(start + len(content), inside)
        stream.seek(block * _BLOCK + _BLOCK_HEADER + place)
        part = stream.read(min(count - len(content), inside - place))
        if not part:
            raise EOFError("the file ends within a chunk")
        content += part
    return content
