"""How a command ends where something is wrong: with a sentence and a status, not a traceback."""

import atexit
import errno
import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

# Advice of the library that names an argument, which is a flag here, or none.
_SKIP = re.compile(r"(\.|, or leave them out by) on_unreadable='skip'( leaves such files out)?")


@contextmanager
def ending_in_words(
    flags: Collection[str], *, status: int, packages: Collection[str] = ("jtransfer",)
) -> Iterator[None]:
    """End the process in words where the block raises what its reader can mend.

    What is wrong with the data, the flags, the files or the disk is said in a sentence on standard
    error, without a traceback; Ctrl-C is said too, and ends with 130. Any other exception is a
    fault of the program: it is shown whole. `JTRANSFER_TRACEBACK=1` shows all of them whole.

    Args:
      flags: names of the command's settings: advice names only flags that there are.
      status: of the process where something can be mended.
      packages: whose errors are in words.

    Raises:
      SystemExit: with the status.
    """
    for stream in (sys.stdout, sys.stderr):  # names of files may be what their encoding lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)
        if _in_jax(interrupt):
            _leave(128 + signal.SIGINT)
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # who reads the output has enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        if os.environ.get("JTRANSFER_TRACEBACK") or not _is_said(error, packages):
            raise
        print(f"error: {_sentence(error, flags)}", file=sys.stderr)
        sys.exit(status)


def _in_jax(error: BaseException) -> bool:
    names = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return any(f"{os.sep}jax{os.sep}" in name for name in names)


def _leave(status: int) -> None:
    """End the process without tearing Python down: after what is to be done at its exit.

    Of a compilation that was interrupted XLA keeps what ends the teardown in a segmentation fault.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _is_said(error: Exception, packages: Collection[str]) -> bool:
    """Whether an exception tells of something that its reader can mend.

    The system's errors do; those that this project raises in words do; a ValueError from the depths
    of a library is a fault of ours.
    """
    if isinstance(error, OSError | MemoryError):
        return True
    if type(error).__module__.partition(".")[0] in packages:
        return True
    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    folders = tuple(
        f"{Path(sys.modules[name].__file__ or name).parent}{os.sep}" for name in packages
    )
    return isinstance(error, ValueError | ModuleNotFoundError) and raised_in.startswith(folders)


def _sentence(error: Exception, flags: Collection[str]) -> str:
    if isinstance(error, OSError) and error.strerror and type(error).__module__ == "builtins":
        what = error.filename or "a file"
        remedy = {
            errno.ENOSPC: "Make room, or choose another place",
            errno.EACCES: "Change its permissions, or choose another place",
        }.get(error.errno or 0, "See to the place, or choose another")
        return f"{what} cannot be used ({error.strerror}). {remedy}"
    if isinstance(error, MemoryError):
        return f"memory ran out{f' ({error})' if str(error) else ''}. Take less data at once"
    has = "on_unreadable" in flags
    return _SKIP.sub(r"\1 --on-unreadable skip\2" if has else "", str(error))
