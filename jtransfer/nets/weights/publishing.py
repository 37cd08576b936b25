"""The way back: a tree of our variables under the names and in the layouts of its publisher."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict
from safetensors.numpy import save

from jtransfer.files.writing import write_bytes
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.torch_layout import COUNT, TorchNames

_MOST_NAMED = 5


def to_published(variables: Mapping[str, Any], names: TorchNames) -> dict[str, np.ndarray]:
    """Name and lay out variables as their publisher's code does.

    What `place_weights` does, backwards: a net that was trained here goes to whoever has the
    publisher's code, whose `load_state_dict` takes it. A batch norm's `num_batches_tracked`, which
    nothing here counts, is 0: PyTorch reads it only where a batch norm has no momentum.

    Args:
      variables: {collection: {stage: ...}} of arrays; stages may be missing, such as the head.
      names: what the publisher calls the modules of the net.

    Returns:
      The arrays by the publisher's names, in the order of `names`.

    Raises:
      WeightsError: if a leaf has no name there, only some leaves of an entry are given, or a batch
        norm keeps statistics of several domains.
    """
    leaves = {path: np.asarray(leaf) for path, leaf in flatten_dict(variables).items()}
    arrays: dict[str, np.ndarray] = {}
    for entry, place in names.published().items():
        given = [path for path in place.paths if path in leaves]
        if not given:
            continue
        if len(given) < len(place.paths):
            lacking = [path for path in place.paths if path not in leaves]
            raise WeightsError(
                f"{entry} of the publisher's file holds {_listed(place.paths)}, and the variables "
                f"lack {_listed(lacking)}; expected all. Add what is missing"
            )
        parts = [leaves.pop(path) for path in place.paths]
        if place.paths[0][0] == "batch_stats":
            _require_one_domain(place.paths[0], parts[0])
        arrays[entry] = np.require(place.entry(parts), requirements="C")
        module, _, kind = entry.rpartition(".")
        if kind == "running_var":
            arrays[f"{module}.{COUNT}"] = np.zeros((), np.int64)
    if leaves:
        raise WeightsError(
            f"the variables hold {_listed(list(leaves))}, which the publisher's net does not have; "
            "expected the variables of that net. Take the others out, such as a new head"
        )
    return arrays


def write_published(
    path: Path | str, variables: Mapping[str, Any], names: TorchNames, *, overwrite: bool = False
) -> None:
    """Write variables as a safetensors file that their publisher's code loads.

    timm and torchvision load it by `net.load_state_dict(safetensors.torch.load_file(path))`,
    transformers as the `model.safetensors` of a folder. The file is there whole or not at all.

    Args:
      path: of the file.
      variables: as `to_published` takes them.
      names: what the publisher calls the modules of the net.
      overwrite: whether a file that is there is replaced.

    Raises:
      WeightsError: as `to_published`, or if the file is there and may not be replaced.
      OSError: if it cannot be written.
    """
    path = Path(path).expanduser()
    if path.exists() and not overwrite:
        raise WeightsError(
            f"{path} is there already; expected a new file. Choose another, or give overwrite=True"
        )
    # transformers reads no safetensors file that does not say whose layouts it has.
    write_bytes(path, save(to_published(variables, names), metadata={"format": "pt"}))


def _require_one_domain(path: tuple[str, ...], statistics: np.ndarray) -> None:
    if statistics.ndim > 1:
        raise WeightsError(
            f"{'/'.join(path)} is {list(statistics.shape)}, statistics of {len(statistics)} "
            "domains; the publisher's net has those of one. Choose a domain: "
            'jax.tree.map(lambda each: each[domain], variables["batch_stats"])'
        )


def _listed(paths: Any) -> str:
    """The first paths, and how many more there are."""
    said = ", ".join("/".join(path) for path in paths[:_MOST_NAMED])
    return said + (f" and {len(paths) - _MOST_NAMED:,} more" if paths[_MOST_NAMED:] else "")
