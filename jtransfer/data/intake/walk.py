"""Which images lie below a folder, and what else does, named and counted by the reason."""

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jtransfer.data.examples import DataError
from jtransfer.data.sources.folder import SUFFIXES
from jtransfer.data.sources.image_opening import PHOTOGRAPHS
from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.listing import entries
from jtransfer.files.reading import open_regular

# Left behind by file managers and archives; names beginning with a dot apart.
_LEFT_BEHIND = ("__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r")

SYSTEM = "left by the system, or hidden"
NOWHERE = "a link that leads nowhere"
AGAIN = "a folder that is listed already under another name, such as by a link"
CLOSED = "may not be read by this user"
SPECIAL = "a pipe, a socket or a device"


@dataclass
class Walk:
    """What was found below a folder.

    Attributes:
      root: the folder.
      images: paths of images relative to it, in the order of their names; none is decoded.
      folders: every folder, likewise, the root itself not among them.
      passed_over: paths likewise by the reason.
    """

    root: Path
    images: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    passed_over: dict[str, list[Path]] = field(default_factory=dict)

    def pass_over(self, reason: str, path: Path) -> None:
        """Count a path by why it is passed over."""
        self.passed_over.setdefault(reason, []).append(path)


def walk(root: Path) -> Walk:
    """List the images below a folder, in folders of any depth.

    A file is an image if it is called as one, whatever it is: reading it says so; or if it begins
    as one, whatever it is called. Links are followed. Every folder is listed once, those that lie
    below the root before those that only links lead to, so that loops end.

    Raises:
      DataError: if the folder itself is missing, no folder, or may not be listed.
    """
    absent = "expected a folder of images, or a csv of files and labels. Mend the name"
    entries(root, error=DataError, absent=absent)
    found, seen = Walk(root), {_identity(root)}
    waiting, linked = deque([Path()]), deque[Path]()
    while waiting or linked:
        folder = (waiting or linked).popleft()
        if folder != Path():
            identity = _identity(root / folder)
            if identity in seen:
                found.pass_over(AGAIN, folder)
                continue
            seen.add(identity)
            found.folders.append(folder)
        for entry in _listed(found, folder):
            _sort(entry, folder / entry.name, found, waiting, linked)
    found.images.sort()
    found.folders.sort()
    for paths in found.passed_over.values():
        paths.sort()
    return found


def _sort(
    entry: os.DirEntry[str], path: Path, found: Walk, waiting: deque[Path], linked: deque[Path]
) -> None:
    """Put one entry where it belongs."""
    if entry.name.startswith(".") or entry.name in _LEFT_BEHIND:
        found.pass_over(SYSTEM, path)
        return
    try:
        mode = entry.stat().st_mode if entry.is_symlink() else None
        is_folder = entry.is_dir() if mode is None else stat.S_ISDIR(mode)
        is_file = entry.is_file() if mode is None else stat.S_ISREG(mode)
    except PermissionError:
        found.pass_over(CLOSED, path)
    except OSError:
        found.pass_over(NOWHERE, path)
    else:
        if is_folder:
            (waiting if mode is None else linked).append(path)
        elif not is_file:
            found.pass_over(SPECIAL, path)
        elif (reason := _no_image(found.root / path)) is None:
            found.images.append(path)
        else:
            found.pass_over(reason, path)


def _no_image(path: Path) -> str | None:
    """Why a file is taken for no image; its content is looked at where its name leaves a doubt."""
    if path.suffix.lower() in SUFFIXES:
        return None
    try:
        with open_regular(path) as stream:
            kind = kind_of(stream.read(HEAD))
    except PermissionError:
        return CLOSED
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    if kind in PHOTOGRAPHS:
        return None
    return kind or f"another file ({path.suffix.lower() or 'no suffix'})"


def _listed(found: Walk, folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(found.root / folder) as listed:
            yield from sorted(listed, key=lambda entry: entry.name)
    except PermissionError:
        found.pass_over(CLOSED, folder)
    except OSError as error:
        found.pass_over(f"cannot be listed ({error.strerror})", folder)


def _identity(folder: Path) -> tuple[int, int]:
    about = os.stat(folder)
    return about.st_dev, about.st_ino
