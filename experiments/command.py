"""What every `python -m experiments.<name>` does: read the flags, run, and say errors in words."""

import errno
import io
import math
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import tyro

Config = TypeVar("Config")

_ROOT = Path(__file__).parents[1]
_OURS = tuple(f"{_ROOT / name}{os.sep}" for name in ("experiments", "jtransfer"))
# Advice of the library that names an argument, which is a flag here, or none.
_SKIP = re.compile(r"(\.|, or leave them out by) on_unreadable='skip'( leaves such files out)?")


def run_command(main: Callable[[Config], Any], config: type[Config], description: str | None):
    """Run a command with the settings that its flags give.

    What is wrong with the data, the flags, the files or the disk is said in a sentence on standard
    error, without a traceback, and the process ends with status 1; flags that cannot be read end it
    with status 2, SIGINT with 130. Any other exception is a fault of the program: it is shown
    whole. `JTRANSFER_TRACEBACK=1` shows all of them whole.

    Args:
      main: takes the settings.
      config: their dataclass.
      description: what the command is, for `--help`: `__doc__`.
    """
    for stream in (sys.stdout, sys.stderr):  # names of files may be what their encoding lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        settings = tyro.cli(config, prog=_name_of(main), description=description)
        _require_usual_numbers(settings)
        main(settings)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # who reads the output has enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        if os.environ.get("JTRANSFER_TRACEBACK") or not _is_said(error):
            raise
        print(f"error: {_sentence(error, config)}", file=sys.stderr)
        sys.exit(1)


def _name_of(main: Callable[..., Any]) -> str | None:
    """How the command is called: where its module lies, which itself is `__main__`."""
    file = Path(main.__code__.co_filename)
    if not file.is_relative_to(_ROOT):
        return None
    path = file.relative_to(_ROOT).with_suffix("")
    return f"python -m {'.'.join(part for part in path.parts if part != '__main__')}"


def _require_usual_numbers(settings: Any) -> None:
    """Refuse numbers that no setting has, which could end as an error far from here.

    Raises:
      ValueError: naming a flag that is negative, no number, or infinite; or that is 0 where it
        stands for what is otherwise taken from elsewhere, such as the preset's number of steps.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            _require_usual_numbers(value)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, bool) or not isinstance(each, int | float):
                continue
            above = field.default is None
            if not (each > 0 if above else each >= 0) or math.isinf(each):
                raise ValueError(
                    f"--{field.name.replace('_', '-')} is {each}; expected a finite number "
                    f"{'above 0' if above else 'from 0'}. Give another one, or leave it out"
                )


def _is_said(error: Exception) -> bool:
    """Whether an exception tells of something that its reader can mend.

    The system's errors do; those that this project raises in words do; a ValueError from the depths
    of a library is a fault of ours.
    """
    if isinstance(error, OSError | MemoryError):
        return True
    if type(error).__module__.partition(".")[0] in ("jtransfer", "experiments"):
        return True
    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    return isinstance(error, ValueError | ModuleNotFoundError) and raised_in.startswith(_OURS)


def _sentence(error: Exception, config: type) -> str:
    if isinstance(error, OSError) and error.strerror and type(error).__module__ == "builtins":
        what = error.filename or "a file"
        remedy = {
            errno.ENOSPC: "Make room, or choose another place",
            errno.EACCES: "Change its permissions, or choose another place",
        }.get(error.errno or 0, "See to the place, or choose another")
        return f"{what} cannot be used ({error.strerror}). {remedy}"
    if isinstance(error, MemoryError):
        return f"memory ran out{f' ({error})' if str(error) else ''}. Take less data at once"
    has = "on_unreadable" in getattr(config, "__dataclass_fields__", {})
    return _SKIP.sub(r"\1 --on-unreadable skip\2" if has else "", str(error))
