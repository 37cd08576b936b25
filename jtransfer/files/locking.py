"""One writer at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"  # the hidden file in a folder that its writer holds


@contextmanager
def sole_writer(folder: Path, *, busy: Callable[[], Exception] | None = None) -> Iterator[None]:
    """Let one process at a time write to a folder; a killed one leaves it free.

    Args:
      folder: which is there.
      busy: makes the error to raise if another process writes to it; None waits for it instead.
    """
    lock = FileLock(folder / LOCK, timeout=-1 if busy is None else 0)
    try:
        lock.acquire()
    except Timeout as timeout:
        assert busy is not None
        raise busy() from timeout
    try:
        yield
    finally:
        lock.release()
