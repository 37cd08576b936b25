"""What every `python -m experiments.<name>` does: read the flags, run, and say errors in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jtransfer.commands.errors import ending_in_words
from jtransfer.commands.flags import parsed
from jtransfer.commands.number_flags import require_usual_numbers

Config = TypeVar("Config")

_ROOT = Path(__file__).parents[1]


def run_command(main: Callable[[Config], Any], config: type[Config], description: str | None):
    """Run a command with the settings that its flags give.

    What is wrong with the data, the flags, the files or the disk ends the process with a sentence
    on standard error and status 1, see `ending_in_words`; flags that cannot be read end it with
    status 2.

    Args:
      main: takes the settings.
      config: their dataclass.
      description: what the command is, for `--help`: `__doc__`.
    """
    flags = getattr(config, "__dataclass_fields__", {})
    with ending_in_words(flags, status=1, packages=("jtransfer", "experiments")):
        settings = parsed(config, prog=_name_of(main), description=description or "")
        require_usual_numbers(settings)
        main(settings)


def _name_of(main: Callable[..., Any]) -> str | None:
    """How the command is called: where its module lies, which itself is `__main__`."""
    file = Path(main.__code__.co_filename)
    if not file.is_relative_to(_ROOT):
        return None
    path = file.relative_to(_ROOT).with_suffix("")
    return f"python -m {'.'.join(part for part in path.parts if part != '__main__')}"
