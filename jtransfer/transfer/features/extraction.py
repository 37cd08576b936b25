"""Features of a net's layers for a data set, kept on disk: one pass, resumed where it stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jtransfer.transfer.features.extraction_parts import complete_by_processes
from jtransfer.transfer.features.extraction_pass import Batches, Pass, complete_rows
from jtransfer.transfer.features.feature_cache import only_writer, open_arrays
from jtransfer.transfer.features.feature_progress import PRESENT


@dataclass(frozen=True, eq=False)
class Features:
    """The features of a data set.

    Attributes:
      layers: for each layer [rows, dims] float32 or float16, memory-mapped and read-only: choosing
        rows reads these rows alone.
      present: [rows] bool; False where there was no image, and the features are zero.
      key: what they are of.
    """

    layers: Mapping[str, np.ndarray]
    present: np.ndarray
    key: Mapping[str, str]


def extract(
    apply: Callable[[np.ndarray], Mapping[str, Any]],
    batches: Callable[[int, int], Batches],
    *,
    rows: int,
    folder: Path,
    key: Mapping[str, str],
    dtype: type[np.floating] = np.float32,
    commit_every: int = 1000,
) -> Features:
    """Apply a net to all images and keep its layers in a cache; do only what is not there yet.

    Memory stays bounded by a batch, disk apart: 4 bytes a feature and row, or 2. Of several
    processes that were started together (`jt.Parallel`) each does its share of the rows, and all
    get the same cache, of a folder that all see.

    Args:
      apply: from images [batch, ...] to {layer: [batch, ...]}, such as `over_local_devices`; rows
        of a layer behind those of the images are dropped. If it is jitted, it is compiled once: a
        batch smaller than those before, such as the last one, is filled up by repeating its last
        image.
      batches: from the first row wanted and the one behind the last to an iterator of (rows [b],
        images [b, ...]), rows in ascending order. Rows that are left out count as not present.
      rows: how many rows there are.
      folder: of the cache; made if it is not there.
      key: what the features are of: net, weights, preprocessing, data, layers.
      dtype: of the features on disk, float32 or float16.
      commit_every: rows after which those written count as done; an interrupted extraction loses
        no more than about as many.

    Returns:
      The features; a layer's maps are flattened in the order of their axes.

    Raises:
      FeatureCacheError: if the folder holds other features or other files, features that are not
        what was written, or may not be written to; if another process writes to it; if a feature
        is NaN or infinite; if the disk is full; or if the batches are not as above.
    """
    folder = Path(folder)
    wanted = {"key": dict(key), "rows": rows, "dtype": np.dtype(dtype).name}
    asked = Pass(apply, batches, wanted, commit_every)
    progress = asked.progress(folder)
    if progress is None or progress.done < rows:
        if jax.process_count() > 1:
            progress = complete_by_processes(asked, folder)
        else:
            with only_writer(folder):
                progress = complete_rows(asked, folder)
    arrays = open_arrays(folder, progress)
    layers = {name: arrays[name] for name in progress.dims}
    return Features(layers, np.array(arrays[PRESENT]), progress.key)


def require_finite(
    features: np.ndarray | jax.Array, *, name: str = "features", first: int = 0
) -> None:
    """Check that features [n, dims] are numbers that float32 holds, neither NaN nor infinity.

    Within a function that is being traced they hold no numbers yet: only their shape is checked.

    Args:
      features: what is checked.
      name: what to call it in the message.
      first: number of the first row, for the message.

    Raises:
      ValueError: naming the first row that does, or the type, or if they are no [n, dims].
    """
    if np.ndim(features) != 2:
        raise ValueError(f"{name} {np.shape(features)}; expected [n, dims]")
    if isinstance(features, Tracer):
        return
    given = np.asarray(features)
    if given.dtype.kind not in "fiub" and given.dtype.name != "bfloat16":
        raise ValueError(
            f"{name} are {given.dtype}; expected real numbers. Convert them to float32"
        )
    with np.errstate(over="ignore"):
        finite = np.isfinite(given.astype(np.float32, copy=False)).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"row {first + int(np.argmin(finite))} of the {name} holds NaN or infinity; expected "
            "finite features. Leave such rows out"
        )
