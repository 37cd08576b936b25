"""Where the time of an extraction goes: to decoding, to the net, to the cache."""

import time
from collections.abc import Callable
from typing import Any

import jax
from tqdm import tqdm

from jtransfer.transfer.features.extraction_pass import Batches


class Stopwatch:
    """Where the time of an extraction goes; the first batch, when the net compiles, is left out."""

    def __init__(self):
        self.images = 0
        self.seconds = 0.0
        self.waiting = 0.0
        self.in_net = 0.0
        self._warm = False

    def batches(self, batches: Batches, *, start: int, total: int) -> Batches:
        """The same batches, with a progress bar and the time that was waited for them."""
        began = asked = time.perf_counter()
        with tqdm(initial=start, total=total, unit="img", disable=None) as bar:
            for rows, images in batches:
                if self._warm:
                    self.waiting += time.perf_counter() - asked
                    self.images += len(rows)
                yield rows, images
                asked = time.perf_counter()
                if self._warm:
                    self.seconds = asked - began
                else:
                    self._warm, began = True, asked
                bar.update(len(rows))

    def net(self, apply: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The same function, with the time that it takes."""

        def timed(images: Any) -> Any:
            began = time.perf_counter()
            outputs = jax.block_until_ready(apply(images))
            if self._warm:
                self.in_net += time.perf_counter() - began
            return outputs

        return timed

    def report(self) -> str:
        """Images a second with decoding and without, and the seconds behind them."""
        kept = self.seconds - self.waiting - self.in_net
        return (
            f"{self.images / self.seconds:.1f} images/s with decoding, "
            f"{self.images / self.in_net:.1f} images/s in the net alone ({self.waiting:.1f} s "
            f"waiting for images, {self.in_net:.1f} s in the net, {kept:.1f} s writing the cache)"
        )
