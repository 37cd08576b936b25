"""Say something, as many times as wanted.

For example:

    jtransfer toy hello --times 2
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of what is said."""

    what: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WHAT")]  # to say
    times: int = 1  # how often
    fails: Literal["no", "data", "interrupt", "fault"] = "no"  # on the way


def main(config: Config) -> None:
    """Say it."""
    print(" ".join([config.what] * config.times))
    if config.fails == "data":
        from jtransfer.data import DataError

        raise DataError("a.jpg is empty. on_unreadable='skip' leaves such files out")
    if config.fails == "interrupt":
        raise KeyboardInterrupt
    if config.fails == "fault":
        raise KeyError("a")
