"""The command `jtransfer`: which subcommands there are, and how one is chosen.

A subcommand is a module of this folder with a docstring, which is its help, a frozen dataclass
`Config`, one flag a line with its comment, and `main(config)`, which calls one function of
`jtransfer.recipes` and prints. What is slow to import (jax is) is imported within `main`, so that
`--help` is there at once.
"""

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Annotated, Any, Union

import tyro

from jtransfer import __version__
from jtransfer.commands import adapt, audit, export, fit, name, predict, search
from jtransfer.commands.errors import ending_in_words
from jtransfer.commands.flags import DESCRIPTION, parsed
from jtransfer.commands.number_flags import require_usual_numbers

COMMANDS: Mapping[str, ModuleType] = {
    "audit": audit,
    "fit": fit,
    "adapt": adapt,
    "predict": predict,
    "name": name,
    "search": search,
    "export": export,
}

_DESCRIPTION = """Transfer learning for your own folder of images.

`jtransfer COMMAND --help` says what a command does, with examples; `jtransfer --version` which
version this is."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the subcommand that the flags name; ends the process as `ending_in_words` says.

    Args:
      argv: what stands behind the command's name; None for the process's own.
    """
    run(COMMANDS, sys.argv[1:] if argv is None else argv)


def run(commands: Mapping[str, ModuleType], argv: Sequence[str]) -> None:
    """Run one of some subcommands.

    Args:
      commands: modules as above, by their names on the command line.
      argv: the flags; without any the help is shown.
    """
    if list(argv) == ["--version"]:
        print(f"jtransfer {__version__}")
        return
    settings = _parsed(commands, argv or ["--help"])
    chosen = next(each for each in commands.values() if type(settings) is each.Config)
    with ending_in_words(chosen.Config.__dataclass_fields__, status=2):
        require_usual_numbers(settings)
        _prepare()
        chosen.main(settings)


def _prepare() -> None:
    """Keep compiled programs beside the other things that the commands keep, and little memory."""
    from jtransfer.nets.weights.download import cache_folder
    from jtransfer.train.runtime import prepare_process

    prepare_process(programs=cache_folder() / "xla", keep_freed=False)


def _parsed(commands: Mapping[str, ModuleType], argv: Sequence[str]) -> Any:
    kinds, description = [], _DESCRIPTION
    for command, each in commands.items():
        text = each.__doc__ or ""
        chosen = command in argv[:1]
        # In the list of commands the first line, in a command's own help all of it.
        about = DESCRIPTION if chosen else text.partition("\n")[0]
        description = text if chosen else description
        kinds.append(Annotated[each.Config, tyro.conf.subcommand(command, description=about)])
    # A union of one is no union: one more that nobody sees.
    kind: Any = Union[(*kinds, Annotated[None, tyro.conf.Suppress])]
    return parsed(kind, prog="jtransfer", description=description, args=list(argv))
