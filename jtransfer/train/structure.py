"""What a state is made of, to say where two differ."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

_SHOWN = 3  # leaves that are named


def structure(tree: Any) -> dict[str, str]:
    """Type and shape of every leaf by its path, such as {".params['w']": "float32[3]"}."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): f"{leaf.dtype}{[*np.shape(leaf)]}" for path, leaf in leaves}


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """In words, where a stored structure and one at hand differ; empty if they do not."""
    differing = [
        f"{name} is {there.get(name, 'nothing')} there and {here.get(name, 'nothing')} here"
        for name in {**there, **here}  # in the order of the tree: parameters first
        if there.get(name) != here.get(name)
    ]
    more = len(differing) - _SHOWN
    return "; ".join(differing[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
