"""What a result came from, in a few letters: a run's settings hold it beside the options."""

import hashlib
from typing import Any

import numpy as np


def fingerprint(*parts: Any) -> str:
    """Sixteen hexadecimal digits that change with any number of an array, or with anything else.

    Args:
      *parts: arrays, and what is told apart by its `repr`, such as names.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.dtype.str, part.shape)).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()[:16]
