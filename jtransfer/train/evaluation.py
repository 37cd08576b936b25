"""Running a compiled function over many examples."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

_FEW = 64  # images of which a batch of fewer would save no time worth a program


def map_batches(function: Callable[[Any], Any], images: np.ndarray, *, batch: int = 500) -> Any:
    """Apply a function of a batch to all images, in batches of one size.

    Few images are not filled up to a large batch, but to the next power of two from 64 on: so calls
    with few images of whatever number share a program or two.

    Args:
      function: from [batch, ...] to an array, or a tree of arrays, with the same leading axis;
        compiled once if jitted, since the last batch is filled up by repeating an image.
      images: [n, ...].
      batch: images a call, at most.

    Returns:
      [n, ...] on the host, in a tree like the function's.
    """
    batch = min(batch, max(_FEW, 1 << (len(images) - 1).bit_length()))
    outputs = []
    for start in range(0, len(images), batch):
        part = filled_up(images[start : start + batch], batch)
        outputs.append(function(jax.device_put(part)))
    return jax.tree.map(
        lambda *parts: np.concatenate(parts)[: len(images)], *jax.device_get(outputs)
    )


def filled_up(images: np.ndarray, count: int) -> np.ndarray:
    """So many images [count, ...], the last of at least one and at most so many repeated."""
    missing = count - len(images)
    return np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]) if missing else images
