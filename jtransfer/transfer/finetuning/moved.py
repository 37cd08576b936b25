"""Keeping what training moved, and nothing else: a file as small as the parameters that move."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError
from safetensors.numpy import load, save

from jtransfer.files.reading import read_bytes, reading
from jtransfer.files.writing import write_bytes
from jtransfer.transfer.finetuning.layers import LayerError


def write_moved(path: Path | str, params: Mapping[str, Any], trainable: Any) -> int:
    """Write the parameters that move as a safetensors file named by their paths.

    With LoRA these are the difference and the new head: kilobytes, where the net has megabytes.

    Args:
      path: of the file, which must not be there yet.
      params: all parameters.
      trainable: tree of booleans like them, `ParameterGroups.trainable`.

    Returns:
      How many numbers were written.

    Raises:
      LayerError: if nothing moves, or the file is there already.
      OSError: if it cannot be written.
    """
    path = Path(path).expanduser()
    if path.exists():
        raise LayerError(f"{path} is there already; expected a new file. Choose another")
    moves: dict[str, Any] = flatten_dict(trainable, sep="/")
    leaves = {
        name: np.ascontiguousarray(jax.device_get(leaf))
        for name, leaf in flatten_dict(params, sep="/").items()
        if moves[name]
    }
    if not leaves:
        raise LayerError("no parameter moves; expected some to write")
    write_bytes(path, save(leaves, metadata={"format": "jtransfer.moved"}))
    return sum(leaf.size for leaf in leaves.values())


def read_moved(path: Path | str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Put what `write_moved` wrote into the parameters of the same net.

    Args:
      path: of the file.
      params: all parameters, those that do not move as they were: of `pretrained`, or with LoRA of
        `LoRA.adapt`.

    Returns:
      The parameters, those in the file replaced.

    Raises:
      LayerError: if the file is not there, cannot be read, or does not fit, listing what differs.
    """
    path = Path(path).expanduser()
    with reading(path, "a file that write_moved wrote", error=LayerError):
        try:
            moved = load(read_bytes(path))
        except SafetensorError as error:
            raise ValueError(str(error)) from error
    leaves: dict[str, Any] = flatten_dict(params, sep="/")
    differing = [
        f"{name} {list(array.shape)}, where the net has "
        f"{list(leaves[name].shape) if name in leaves else 'nothing'}"
        for name, array in moved.items()
        if name not in leaves or leaves[name].shape != array.shape
    ]
    if differing:
        more = f" and {len(differing) - 5:,} more" if differing[5:] else ""
        raise LayerError(
            f"{path} does not fit; expected parts of this net. It holds "
            f"{'; '.join(differing[:5])}{more}"
        )
    return unflatten_dict({**leaves, **moved}, sep="/")
