"""Opening files: regular ones only, and one sentence with the true cause where that fails."""

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.memory import require_memory

_FETCH = "It is truncated or damaged: fetch it again"
# What is got in place of a file.
_INSTEAD = {
    "an HTML page": "A server gave its page in place of the file: fetch the file itself",
    "a pointer of Git LFS, not the file itself": "Fetch the file itself by `git lfs pull`",
}


def open_regular(path: Path | str) -> BufferedReader:
    """Open a file for reading in binary; never waits, as opening a pipe or a device might.

    Raises:
      OSError: if it cannot be opened, or is no regular file.
    """
    # Not blocking: a pipe that nobody writes to would be waited for. Without effect on files.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def is_there(path: Path | str) -> bool:
    """Whether there is anything of a name, though it may be no file or nobody may read it.

    `Path.exists` raises where a folder above may not be entered, `os.path.exists` says no; here it
    is yes, so that opening it will say what is so.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def read_bytes(path: Path | str) -> bytes:
    """The whole of a regular file, if it fits in memory.

    Raises:
      OSError: as `open_regular`.
      MemoryError: if the file is larger than `memory_limit`, in a sentence.
    """
    with open_regular(path) as stream:
        require_memory(os.fstat(stream.fileno()).st_size, str(path), error=MemoryError)
        return stream.read()


def read_text(path: Path | str) -> str:
    """The whole of a regular file of UTF-8 text, with or without a byte-order mark.

    Raises:
      OSError, MemoryError: as `read_bytes`.
      UnicodeDecodeError: if it is no UTF-8.
    """
    return read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def reading(
    path: Path | str,
    expected: str,
    *,
    error: Callable[[str], Exception],
    kinds: Collection[str] = (),
    absent: str = "Put it there, or mend the name",
    damaged: str = _FETCH,
) -> Iterator[None]:
    """Turn whatever reading a file raises into one sentence: what is so, what to do about it.

    Args:
      path: the file that the block reads.
      expected: what it should be, such as "a whole gzip file".
      error: the room's own error; what the block raises of it goes through as it is.
      kinds: names in `files.kinds` that such a file may have; another one is named as the cause.
      absent: what to do where there is no such file.
      damaged: what to do where the content is at fault.

    Raises:
      Exception: `error`, with the first that holds: no such file, a folder, a pipe or device, no
        permission, empty, another kind of file, too large, no UTF-8 text, damaged.
    """
    own = error if isinstance(error, type) else ()
    try:
        yield
    except Exception as cause:
        if isinstance(cause, own):
            raise
        what, remedy = _diagnosis(Path(path), cause, kinds, absent, damaged)
        raise error(f"{path} {what}; expected {expected}. {remedy}") from cause


def _diagnosis(
    path: Path, cause: Exception, kinds: Collection[str], absent: str, damaged: str
) -> tuple[str, str]:
    """What is so, and what to do."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "is a folder", "Name a file"
        if not stat.S_ISREG(mode):
            return "is a pipe, a socket or a device, no file", "Name a regular file"
        with open_regular(path) as stream:
            head = stream.read(HEAD)
    except (FileNotFoundError, NotADirectoryError):
        return "is not there", absent
    except PermissionError:
        return "may not be read by this user", "Change its permissions, such as by chmod +r"
    except (OSError, ValueError) as failure:  # ValueError: a zero byte in the name
        return f"cannot be opened ({_reason(failure)})", "See to the disk or the name"
    if isinstance(cause, PermissionError):
        return "may not be read by this user", "Change its permissions, such as by chmod +r"
    if not head:
        return "is empty, 0 bytes", "Fetch it again" if damaged == _FETCH else damaged
    kind = kind_of(head)
    if kind is not None and kinds and kind not in kinds:
        return f"is {kind}", _INSTEAD.get(kind, "Name the right file, or convert it")
    if isinstance(cause, MemoryError):
        return f"is too large ({_reason(cause) or 'memory ran out'})", "Take less of it"
    if isinstance(cause, UnicodeDecodeError):
        return f"is no UTF-8 text (byte {cause.start:,})", "Save it as UTF-8"
    return f"cannot be read ({_reason(cause)})", damaged


def _reason(cause: Exception) -> str:
    """What an exception says, on one line; its kind where it says nothing."""
    said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return " ".join(said.split())[:300] or type(cause).__name__
