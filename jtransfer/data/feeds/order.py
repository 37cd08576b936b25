"""The order of examples: every epoch a fresh permutation, a pure function of seed and step."""

from functools import lru_cache

import numpy as np


def shuffled_positions(length: int, batch: int, *, step: int, seed: tuple[int, ...]) -> np.ndarray:
    """Positions of a step's examples when each epoch is a fresh permutation.

    An epoch is `length // batch` steps; what does not fill a batch waits for a later epoch.

    Returns:
      [batch] int32.
    """
    epoch, place = divmod(step, length // batch)
    return _permutation(length, (*seed, epoch))[place * batch : (place + 1) * batch]


@lru_cache(maxsize=64)
def _permutation(length: int, seed: tuple[int, ...]) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(length).astype(np.int32)
    order.setflags(write=False)
    return order
