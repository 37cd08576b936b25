"""Files that cannot be read: told at the end, and no more of them left out than can be right."""

import sys
from collections.abc import Sequence
from typing import Literal, get_args

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles

OnUnreadable = Literal["stop", "skip"]

LEAVE_OUT = "on_unreadable='skip' leaves such files out"
_NAMED = 10  # files that the line at the end names
_FEW = 10  # files that may be left out whatever their share


def check_on_unreadable(given: str) -> None:
    """Check what is to be done.

    Raises:
      DataError: if it is neither "stop" nor "skip".
    """
    if given not in get_args(OnUnreadable):
        raise DataError(f"on_unreadable {given!r}; expected 'stop' or 'skip'")


def report(files: ImageFiles, left_out: Sequence[int], read: int) -> None:
    """Say on stderr how many files were left out of those read, and which."""
    if not left_out:
        return
    named = ", ".join(str(files.paths[row]) for row in left_out[:_NAMED])
    others = f" and {len(left_out) - _NAMED:,} more" if len(left_out) > _NAMED else ""
    what = f"{len(left_out):,} of {read:,} images that cannot be read: {named}{others}"
    print(f"{files.name}: left out {what}", file=sys.stderr, flush=True)


def require_most(files: ImageFiles, left_out: int, read: int) -> None:
    """Check that the folder is not at fault, rather than some files.

    Raises:
      DataError: if more than ten files and more than half of all were left out.
    """
    if left_out > max(_FEW, read / 2):
        raise DataError(
            f"{files.name}: {left_out:,} of {read:,} images cannot be read; expected at most half. "
            "See to the disk or the folder, or list other files"
        )
