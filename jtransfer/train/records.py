"""`metrics.jsonl`, one JSON object a line: what of it can be read is never lost."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.files.reading import read_bytes
from jtransfer.files.writing import write_bytes

_START = '{"step":'  # of every record as `line_of` writes it


def line_of(record: dict[str, Any]) -> bytes:
    """A record as it stands in the file."""
    return (json.dumps(record, default=np.ndarray.tolist) + "\n").encode()


def read_records(file: Path) -> list[dict[str, Any]]:
    """The records of a `metrics.jsonl`, of which there may be several on a line.

    What is damaged is left out, and so is a last line that was cut off by a crash.
    """
    return [each for each in _pieces(file) if isinstance(each, dict)]


def drop_records(file: Path, *, after: int) -> Path | None:
    """Keep the records of `file` up to step `after`, as those behind it come again.

    Returns:
      Where damaged pieces were moved to, `<file>.damaged`; None if there were none.

    Raises:
      OSError: if the file cannot be read or written; it then stays as it was.
    """
    if not file.exists():
        return None
    pieces = [*_pieces(file)]
    records = [each for each in pieces if isinstance(each, dict)]
    damaged = [each for each in pieces if isinstance(each, bytes)]
    aside = file.with_name(f"{file.name}.damaged")
    if damaged:
        before = read_bytes(aside) if aside.exists() else b""
        write_bytes(aside, before + b"".join(piece + b"\n" for piece in damaged))
    write_records(file, [record for record in records if record["step"] <= after])
    return aside if damaged else None


def write_records(file: Path, records: list[dict[str, Any]]) -> None:
    """Write a whole `metrics.jsonl`, so that it is there as before or as it shall be."""
    write_bytes(file, b"".join(map(line_of, records)))


def _pieces(file: Path) -> Iterator[dict[str, Any] | bytes]:
    """In their order the records, and as bytes what is none."""
    if not file.exists():
        return
    *lines, last = read_bytes(file).split(b"\n")
    for line in lines:
        yield from _of_line(line.decode(errors="surrogateescape"))
    # The last line was not ended: what is no record of it was being written.
    for piece in _of_line(last.decode(errors="surrogateescape")):
        if isinstance(piece, dict):
            yield piece


def _of_line(line: str) -> Iterator[dict[str, Any] | bytes]:
    junk, decoder = "", json.JSONDecoder()
    for piece in _parted(line):
        try:
            record, end = decoder.raw_decode(piece)
        except (ValueError, RecursionError):
            record, end = None, 0
        if not isinstance(record, dict) or not _is_step(record.get("step")):
            end = 0
        else:
            yield record
        junk += piece[end:]
    if junk.strip("\0 \t\r"):
        yield junk.encode(errors="surrogateescape")


def _parted(line: str) -> Iterator[str]:
    """A line where it is one record, else in pieces that begin as records do.

    Not tried again from every such place to the line's end, which would take a day for a megabyte.
    """
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        starts = [match.start() for match in re.finditer(re.escape(_START), line)]
        yield from (line[start:end] for start, end in pairwise([0, *starts, len(line)]))
    else:
        yield line


def _is_step(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**63
