"""Names of files as data gives them, which may not lead out of the folder that they are for."""

import re
from pathlib import Path


def plain_name(name: str) -> str:
    """A file's name that leads to no other folder, as it is.

    Raises:
      ValueError: if it does, or is none.
    """
    if name in ("", ".", "..") or re.search(r"[/\\\0]", name):
        raise ValueError(f"{name!r} is no plain name of a file")
    return name


def path_within(folder: Path, name: str) -> Path:
    """The path of a file in a folder or in one below, by a name such as `a/b.wav`.

    Raises:
      ValueError: if the name leads out of the folder, or is none.
    """
    parts = name.split("/")
    if not all(part == "." or _leads_down(part) for part in parts) or parts[-1] == ".":
        raise ValueError(f"{name!r} is no name of a file within {folder}")
    return folder.joinpath(*parts)


def _leads_down(part: str) -> bool:
    try:
        plain_name(part)
    except ValueError:
        return False
    return not re.match(r"[A-Za-z]:", part)  # a disk of Windows
