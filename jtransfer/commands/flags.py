"""How a command's flags are read from its dataclass, and how its `--help` looks.

As tyro has it, but for two things: a description keeps the lines that it was written in, which tyro
would join to lines of any length; and of a flag that may be left out, whose text says what happens
then, neither the type nor the default speaks of None.
"""

import io
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any, TextIO

import tyro

# Where a description is to stand; by this a union names the one of the subcommand that was chosen.
DESCRIPTION = "0DESCRIPTION0"

# A default that says nothing, in a table whose cells are wrapped.
_NO_DEFAULT = re.compile(r"\(default:[\s│]+(None)?\)")


class _Shown(io.TextIOWrapper):
    """What is to be printed, in the letters and the colours that a stream has."""

    def __init__(self, stream: TextIO):
        super().__init__(io.BytesIO(), encoding=stream.encoding)
        self._stream = stream

    def isatty(self) -> bool:
        return self._stream.isatty()

    def text(self) -> str:
        self.seek(0)
        return self.read()


def parsed(
    kind: Any, *, prog: str | None, description: str, args: Sequence[str] | None = None
) -> Any:
    """The settings that flags give; `--help`, or what is wrong with them, ends the process.

    Args:
      kind: a dataclass of flags, or a union of such for subcommands.
      prog: name of the command.
      description: what it is, in lines of at most 100 characters.
      args: the flags; None for the process's own.
    """
    shown, config = _Shown(sys.stdout), (tyro.conf.DisallowNone,)
    try:
        with redirect_stdout(shown):
            return tyro.cli(kind, prog=prog, description=DESCRIPTION, args=args, config=config)
    finally:
        said = _NO_DEFAULT.sub(_blank, shown.text())
        print(said.replace(DESCRIPTION, description.strip()), end="")


def _blank(found: re.Match[str]) -> str:
    """As many spaces, so that the table's border stays where it is."""
    return re.sub(r"[^\s│]", " ", found[0])
