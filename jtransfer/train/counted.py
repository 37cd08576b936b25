"""How far a number of long things in a row is, and the time left."""

import io
import sys
import time
from collections.abc import Callable, Collection, Iterator
from typing import TextIO, TypeVar

import jax

T = TypeVar("T")

# Seconds: what took less was finished by an earlier call, and says nothing of those to come; and
# between two lines.
_AT_ONCE, _BETWEEN = 1.0, 5.0


def counted(
    items: Collection[T],
    what: str,
    *,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[T]:
    """The items one after another; behind one that took its time the reader is told what is left.

    Of several processes that train together the first alone tells.

    Args:
      items: that are worked on, such as the rows of a table.
      what: their name in the plural.
      stream: where the reader looks; by default standard error.
      clock: of the seconds.
    """
    stream = stream or (sys.stderr if jax.process_index() == 0 else io.StringIO())
    worked: list[float] = []
    told = began = clock()
    for done, item in enumerate(items, start=1):
        yield item
        now = clock()
        if now - began >= _AT_ONCE:
            worked.append(now - began)
        if worked and now - told >= _BETWEEN and done < len(items):
            left = sum(worked) / len(worked) * (len(items) - done)
            line = f"{done} of {len(items)} {what}, about {duration(left)} left"
            print(line, file=stream, flush=True)
            told = now
        began = now


def duration(seconds: float) -> str:
    """Such as 2m 05s, or 1h 10m.

    >>> duration(125), duration(4_200)
    ('2m 05s', '1h 10m')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {seconds:02d}s"
