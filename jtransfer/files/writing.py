"""Writing files: whole or not at all, and known as unfinished by their names until then."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

_UNFINISHED = ".unfinished"


@contextmanager
def writing(path: Path | str) -> Iterator[BinaryIO]:
    """Write a file: it is there as before until the block ends, then with the new content.

    The content is on the disk before it gets its name. Where the block or the disk fails nothing
    stays; a process killed on the way leaves a hidden file that `is_unfinished` knows.

    Raises:
      OSError: if it cannot be written; what was there before stays.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:12]}{_UNFINISHED}")
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(partial):
            error.filename = str(path)  # which its reader knows
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file whole or not at all; errors are those of `writing`."""
    with writing(path) as stream:
        stream.write(content)


def write_text(path: Path | str, content: str) -> None:
    """Write a file of UTF-8 text whole or not at all; errors are those of `writing`."""
    write_bytes(path, content.encode())


def is_unfinished(path: Path) -> bool:
    """Whether a file is what a killed process left of one that it was writing."""
    return path.name.startswith(".") and path.name.endswith(_UNFINISHED)


def remove_unfinished(folder: Path) -> None:
    """Remove from a folder what killed processes left; to be called by its only writer."""
    for path in folder.iterdir():
        if is_unfinished(path):
            path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring a new name to the disk, where the system can open folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
