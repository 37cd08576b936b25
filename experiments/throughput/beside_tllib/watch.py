"""A clock that looks at a training from outside: once it is warm, and at its end."""

import time
from collections.abc import Iterator
from typing import Any


class Watch:
    """Seconds a step, by the wall and of the processor, after the first ones.

    Args:
      warm: steps that are left out, in which programs are compiled and memory is taken.
    """

    def __init__(self, warm: int):
        """Nothing has run yet."""
        self._warm = warm
        self._started: tuple[float, float] | None = None
        self._steps = 0

    def steps(self, count: int) -> Iterator[int]:
        """The numbers of the steps of a loop."""
        for number in range(count):
            self._look(number)
            yield number

    def feed(self, feed: Any) -> "Watch":
        """A feed for `jt.fit` that is looked at each step."""
        self._feed = feed
        return self

    @property
    def constants(self) -> Any:
        """The feed's."""
        return self._feed.constants

    def inputs(self, step: int) -> Any:
        """The feed's."""
        self._look(step)
        return self._feed.inputs(step)

    def stop(self) -> dict[str, float]:
        """Milliseconds a step since it was warm."""
        if self._started is None:
            raise ValueError(
                f"no step after the first {self._warm}; expected some. Take more steps"
            )
        wall, processor = self._started
        return {
            "milliseconds": 1000 * (time.perf_counter() - wall) / self._steps,
            "processor_milliseconds": 1000 * (time.process_time() - processor) / self._steps,
        }

    def _look(self, number: int) -> None:
        if number == self._warm:
            self._started = time.perf_counter(), time.process_time()
        self._steps = number + 1 - self._warm
