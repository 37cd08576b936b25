"""From PyTorch's names and layouts to the parameter trees of our nets.

A convolution's kernel is [out, in / groups, height, width] there and [height, width, in / groups,
out] here, with or without groups; a linear layer's is [out, in] there and [in, out] here. Where a
linear layer reads maps, these are flattened in the order [channels, height, width] there and
[height, width, channels] here.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from jtransfer.nets.weights.error import WeightsError

_LAYER = {"weight": ("params", "kernel"), "bias": ("params", "bias")}
_NORM = {
    "weight": ("params", "scale"),
    "bias": ("params", "bias"),
    "running_mean": ("batch_stats", "mean"),
    "running_var": ("batch_stats", "var"),
}
# How many batches a batch norm has seen: PyTorch keeps it, and nothing here depends on it.
_COUNT = "num_batches_tracked"


def from_torch(weights: np.ndarray) -> np.ndarray:
    """[out, in, height, width] to [height, width, in, out], [out, in] to [in, out]; others stay."""
    return weights if weights.ndim < 2 else np.moveaxis(weights, (1, 0), (-2, -1))


def from_torch_flat(weights: np.ndarray, *, maps: tuple[int, int, int]) -> np.ndarray:
    """[out, in] of a linear layer to [in, out], where `in` are maps that are flattened.

    Args:
      weights: [out, channels * height * width].
      maps: (channels, height, width).

    Returns:
      [height * width * channels, out]; weights of another size are only transposed.
    """
    if weights.ndim != 2 or weights.shape[1] != math.prod(maps):
        return from_torch(weights)
    outputs, inputs = weights.shape
    return from_torch(weights.reshape(outputs, *maps)).reshape(inputs, outputs)


@dataclass(frozen=True)
class Place:
    """Where an entry of a file belongs.

    Attributes:
      path: of the leaf in the tree of variables, such as ("params", "conv1", "kernel").
      convert: from the layout in the file to the leaf's.
    """

    path: tuple[str, ...]
    convert: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class TorchNames:
    """What PyTorch calls the modules of a net.

    Files that were converted before, with our names and layouts, are understood as well: their
    entries are called as the leaves, such as `conv1.kernel`.

    Attributes:
      modules: for each of PyTorch's modules the path of ours, the stage first. A batch norm's ends
        in `norm`.
      flat_maps: (channels, height, width) of the maps that a linear layer reads, by module.
    """

    modules: Mapping[str, tuple[str, ...]]
    flat_maps: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    def place(self, entry: str) -> Place | None:
        """Where an entry of a file belongs; None if it is no part of this net."""
        module, _, kind = entry.rpartition(".")
        path = self.modules.get(module)
        if path is not None:
            if kind not in _leaves(path):
                return None
            collection, leaf = _leaves(path)[kind]
            maps = self.flat_maps.get(module)
            convert = partial(from_torch_flat, maps=maps) if maps else from_torch
            return Place((collection, *path, leaf), convert)
        for path in self.modules.values():
            for collection, leaf in _leaves(path).values():
                if entry == ".".join((*path, leaf)):
                    return Place((collection, *path, leaf), np.asarray)
        return None


def _leaves(path: tuple[str, ...]) -> Mapping[str, tuple[str, str]]:
    """Collection and name of a module's leaves, by PyTorch's names of them."""
    return _NORM if path[-1].endswith("norm") else _LAYER


def place_weights(
    arrays: Mapping[str, np.ndarray],
    names: TorchNames,
    template: Mapping[str, Any],
    *,
    net: str,
    source: str,
) -> dict[str, Any]:
    """Put the arrays of a file into a tree of variables.

    Args:
      arrays: by name in the file; those of stages that the template lacks are left out.
      names: what the file calls the modules of the net.
      template: of the variables, leaves with `shape` and `dtype`: {collection: {stage: ...}}.
      net: the net's name, for messages.
      source: what to call the file in messages.

    Returns:
      The tree of the template with arrays of its shapes and types.

    Raises:
      WeightsError: if the file and the template differ, listing every difference.
    """
    wanted: dict[tuple[str, ...], Any] = flatten_dict(template)
    stages = {path[1] for path in wanted}
    found: dict[tuple[str, ...], np.ndarray] = {}
    differences: list[str] = []
    for entry, array in arrays.items():
        if entry.endswith(f".{_COUNT}"):
            continue
        place = names.place(entry)
        if place is None:
            differences.append(f"{entry} {list(array.shape)}: no part of {net}")
        elif place.path[1] not in stages:
            continue
        elif place.path not in wanted:
            differences.append(f"{entry} {list(array.shape)}: the net has no {_said(place.path)}")
        elif place.path in found:
            differences.append(f"{entry}: {_said(place.path)} is in the file twice")
        else:
            leaf, found[place.path] = wanted[place.path], place.convert(array)
            differences += _misfits(entry, found[place.path], leaf, place.path)
    differences += [
        f"{_said(path)} {list(leaf.shape)}: not in the file"
        for path, leaf in wanted.items()
        if path not in found
    ]
    if differences:
        listed = "\n  ".join(differences)
        raise WeightsError(
            f"{source} does not fit {net}; expected the file of this net, with all stages that the "
            f"template has. Differences ({len(differences)}):\n  {listed}"
        )
    # Writable arrays are copies, which do not keep the whole file in memory.
    return unflatten_dict(
        {path: np.require(found[path], leaf.dtype, ["C", "W"]) for path, leaf in wanted.items()}
    )


def _misfits(entry: str, array: np.ndarray, leaf: Any, path: tuple[str, ...]) -> list[str]:
    if array.shape != leaf.shape:
        shapes = f"{list(array.shape)} as laid out here, expected {list(leaf.shape)}"
        return [f"{entry}: {_said(path)} is {shapes}"]
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return [f"{entry}: {array.dtype}, expected floating point"]
    if not np.isfinite(array).all():
        return [f"{entry}: holds NaN or infinity"]
    return []


def _said(path: tuple[str, ...]) -> str:
    return "/".join(path)
