"""From PyTorch's names and layouts to the parameter trees of our nets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from jtransfer.nets.weights.error import WeightsError, readable
from jtransfer.nets.weights.layouts import AS_IT_IS, WEIGHTS, Layout, flat_layout
from jtransfer.nets.weights.weight_differences import Differences

_LAYER = {"weight": ("params", "kernel"), "bias": ("params", "bias")}
_NORM = {
    "weight": ("params", "scale"),
    "bias": ("params", "bias"),
    "running_mean": ("batch_stats", "mean"),
    "running_var": ("batch_stats", "var"),
}
# How many batches a batch norm has seen: PyTorch keeps it, and nothing here depends on it.
COUNT = "num_batches_tracked"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where an entry of a file belongs.

    Attributes:
      paths: of the leaves in the tree of variables, such as ("params", "conv1", "kernel"). An entry
        of several leaves holds them one after another in equal parts along its first axis, as a
        fused layer does query, key and value.
      layout: of every leaf in the file and here.
    """

    paths: tuple[Path, ...]
    layout: Layout = WEIGHTS

    def leaves(self, array: np.ndarray) -> list[np.ndarray] | None:
        """The leaves in an entry, in the order of the paths; None if it has no such parts."""
        parts = len(self.paths)
        if parts > 1 and (array.ndim == 0 or array.shape[0] % parts):
            return None
        pieces = np.split(array, parts) if parts > 1 else [array]
        return [self.layout.to_ours(piece) for piece in pieces]

    def entry(self, leaves: Iterable[np.ndarray]) -> np.ndarray:
        """The entry of a file that holds these leaves, one of each path."""
        pieces = [self.layout.to_theirs(leaf) for leaf in leaves]
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]


@dataclass(frozen=True)
class TorchNames:
    """What PyTorch calls the modules of a net.

    Files that were converted before, with our names and layouts, are understood as well: their
    entries are called as the leaves, such as `conv1.kernel`.

    Attributes:
      modules: for each of PyTorch's modules the path of ours, the stage first. That of a batch norm
        or a layer norm ends in `norm`.
      flat_maps: (channels, height, width) of the maps that a linear layer reads, by module.
      entries: where further entries belong, which are no module's weight or bias, or hold several
        leaves of ours.
      unused: beginnings of the names of entries that nothing here depends on.
      head: whether the last stage names classes, and may be left out where these are others.
    """

    modules: Mapping[str, Path]
    flat_maps: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    entries: Mapping[str, Place] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    head: bool = True

    def published(self) -> dict[str, Place]:
        """Where every entry that the publisher's file may have belongs."""
        theirs = {}
        for module, path in self.modules.items():
            maps = self.flat_maps.get(module)
            layout = flat_layout(maps) if maps else WEIGHTS
            for kind, (collection, leaf) in _leaves(path).items():
                theirs[f"{module}.{kind}"] = Place(((collection, *path, leaf),), layout)
        return {**theirs, **self.entries}

    def places(self) -> dict[str, Place]:
        """Where every entry that a file may have belongs; by PyTorch's names last."""
        theirs = self.published()
        ours = {
            ".".join(path[1:]): Place((path,), AS_IT_IS)
            for place in theirs.values()
            for path in place.paths
        }
        return {**ours, **theirs}

    def is_unused(self, entry: str) -> bool:
        """Whether nothing here depends on an entry."""
        return entry.endswith(f".{COUNT}") or entry.startswith(self.unused)

    def last_stages(self) -> tuple[str, str] | None:
        """The stage before the head and the head, which names the classes; None without one."""
        stages = list(dict.fromkeys(path[0] for path in self.modules.values()))
        return (stages[-2], stages[-1]) if self.head and len(stages) > 1 else None


def _leaves(path: Path) -> Mapping[str, tuple[str, str]]:
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
    wanted: dict[Path, Any] = flatten_dict(template)
    stages = {path[1] for path in wanted}
    places = names.places()
    found: dict[Path, np.ndarray] = {}
    absent = dict.fromkeys(wanted)  # or of another shape
    differences = Differences()
    for entry, array in arrays.items():
        if names.is_unused(entry):
            continue
        place, shown = places.get(entry), f"{readable(entry)} {list(array.shape)}"
        if place is None:
            differences.unexpected[entry] = f"{shown}: no part of {net}"
            continue
        if all(path[1] not in stages for path in place.paths):
            continue
        leaves = place.leaves(array)
        if leaves is None:
            differences.unfit.append(f"{shown}: expected {len(place.paths)} equal parts in a row")
            found.update(dict.fromkeys(place.paths, array))
            continue
        for path, leaf in zip(place.paths, leaves, strict=True):
            if path not in wanted:
                differences.unexpected[entry] = f"{shown}: the net has no {_said(path)}"
            elif path in found:
                differences.unfit.append(f"{entry}: {_said(path)} is in the file twice")
            else:
                found[path], misfit = _fitted(leaf, wanted[path])
                if misfit:
                    differences.unfit.append(f"{entry}: {_said(path)} {misfit}")
                if found[path].shape == wanted[path].shape:
                    del absent[path]
    entries = {path: entry for entry, place in places.items() for path in place.paths}
    for path, leaf in wanted.items():
        if path not in found:
            entry, shown = entries.get(path), f"{_said(path)} {list(leaf.shape)}: not in the file"
            shown = f"{shown}, where it would be {entry}" if entry else shown
            # Another leaf of the same entry may have its name already.
            name = entry if entry and entry not in differences.missing else _said(path)
            differences.missing[name] = shown
    if differences:
        raise WeightsError(
            f"{source} does not fit {net}; expected the file of this net, with all stages that the "
            f"template has. {differences.listed(places)}{_remedy(differences, absent, names)}"
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


def _remedy(differences: Differences, absent: Iterable[Path], names: TorchNames) -> str:
    """How to go on where the file has more than the net, or another head."""
    if differences.unexpected and len(differences.unexpected) == len(differences):
        first = ", ".join(
            repr(readable(part))
            for part in list(dict.fromkeys(name.split(".")[0] for name in differences.unexpected))[
                :5
            ]
        )
        return (
            f"\nThe file has all that the net needs. To leave the rest out, give without=({first},)"
        )
    last = names.last_stages()
    if last is None or {path[1] for path in absent} != {last[1]}:
        return ""
    head = last[1]
    return (
        f"\nOnly the head differs, as it does for other classes. To leave {head} out, give "
        f"without={head!r}, and take {head} from net.init(key, images)"
    )


def _said(path: Path) -> str:
    return "/".join(path)
