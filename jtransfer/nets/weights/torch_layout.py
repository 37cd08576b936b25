"""From PyTorch's names and layouts to the parameter trees of our nets.

A convolution's kernel is [out, in / groups, height, width] there and [height, width, in / groups,
out] here, with or without groups; a linear layer's is [out, in] there and [in, out] here. Where a
linear layer reads maps, these are flattened in the order [channels, height, width] there and
[height, width, channels] here.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from jtransfer.nets.weights.error import WeightsError, readable
from jtransfer.nets.weights.weight_differences import Differences

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

    def places(self) -> dict[str, Place]:
        """Where every entry that a file may have belongs; by PyTorch's names last."""
        theirs, ours = {}, {}
        for module, path in self.modules.items():
            maps = self.flat_maps.get(module)
            convert = partial(from_torch_flat, maps=maps) if maps else from_torch
            for kind, (collection, leaf) in _leaves(path).items():
                place = (collection, *path, leaf)
                theirs[f"{module}.{kind}"] = Place(place, convert)
                ours[".".join((*path, leaf))] = Place(place, np.asarray)
        return {**ours, **theirs}

    def last_stages(self) -> tuple[str, str] | None:
        """The stage before the head and the head, which names the classes; None of a lone stage."""
        stages = list(dict.fromkeys(path[0] for path in self.modules.values()))
        return (stages[-2], stages[-1]) if len(stages) > 1 else None


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
      WeightsError: if the file and the template differ, with counts, the first differences of each
        kind, and how to leave out a head of other classes.
    """
    wanted: dict[tuple[str, ...], Any] = flatten_dict(template)
    stages = {path[1] for path in wanted}
    places = names.places()
    found: dict[tuple[str, ...], np.ndarray] = {}
    absent = dict.fromkeys(wanted)  # or of another shape
    differences = Differences()
    for entry, array in arrays.items():
        if entry.endswith(f".{_COUNT}"):
            continue
        place, shown = places.get(entry), f"{readable(entry)} {list(array.shape)}"
        if place is None:
            differences.unexpected[entry] = f"{shown}: no part of {net}"
            continue
        path = place.path
        if path[1] not in stages:
            continue
        if path not in wanted:
            differences.unexpected[entry] = f"{shown}: the net has no {_said(path)}"
        elif path in found:
            differences.unfit.append(f"{entry}: {_said(path)} is in the file twice")
        else:
            found[path], misfit = _fitted(place.convert(array), wanted[path])
            if misfit:
                differences.unfit.append(f"{entry}: {_said(path)} {misfit}")
            if found[path].shape == wanted[path].shape:
                del absent[path]
    entries = {place.path: entry for entry, place in places.items()}
    for path, leaf in wanted.items():
        if path not in found:
            entry, shown = entries.get(path), f"{_said(path)} {list(leaf.shape)}: not in the file"
            differences.missing[entry or _said(path)] = (
                f"{shown}, where it would be {entry}" if entry else shown
            )
    if differences:
        raise WeightsError(
            f"{source} does not fit {net}; expected the file of this net, with all stages that the "
            f"template has. {differences.listed(places)}{_head_remedy(absent, names)}"
        )
    return unflatten_dict({path: found[path] for path in wanted})


def _fitted(array: np.ndarray, leaf: Any) -> tuple[np.ndarray, str]:
    """An array of the leaf's type; or as it was, with what does not fit."""
    if array.shape != leaf.shape:
        return array, f"is {list(array.shape)} as laid out here, expected {list(leaf.shape)}"
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return array, f"is {array.dtype}, expected floating point"
    with np.errstate(over="ignore"):
        # Writable arrays are copies, which do not keep the whole file in memory.
        fitted = np.require(array, leaf.dtype, ["C", "W"])
    return fitted, "" if np.isfinite(fitted).all() else f"holds NaN or infinity, as {leaf.dtype}"


def _head_remedy(absent: Iterable[tuple[str, ...]], names: TorchNames) -> str:
    """What to do where nothing but the head is of other classes, or not there."""
    last = names.last_stages()
    if last is None or {path[1] for path in absent} != {last[1]}:
        return ""
    before, head = last
    return (
        f"\nOnly the head differs, as it does for other classes. To leave {head} out, give "
        f"jax.eval_shape(functools.partial(net.init, until={before!r}), key, images) as the "
        f"template, and take {head} from net.init(key, images)"
    )


def _said(path: tuple[str, ...]) -> str:
    return "/".join(path)
