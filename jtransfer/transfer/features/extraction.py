"""Features of a net's layers for a data set, kept on disk: one pass, resumed where it stopped."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jtransfer.transfer.features.feature_cache import CacheWriter, only_writer, open_arrays
from jtransfer.transfer.features.feature_progress import (
    PRESENT,
    FeatureCacheError,
    Progress,
    read_progress,
)

Batches = Iterator[tuple[np.ndarray, np.ndarray]]


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
    batches: Callable[[int], Batches],
    *,
    rows: int,
    folder: Path,
    key: Mapping[str, str],
    dtype: type[np.floating] = np.float32,
    commit_every: int = 1000,
) -> Features:
    """Apply a net to all images and keep its layers in a cache; do only what is not there yet.

    Memory stays bounded by a batch, disk apart: 4 bytes a feature and row, or 2.

    Args:
      apply: from images [batch, ...] to {layer: [batch, ...]}. If it is jitted, it is compiled
        once: a batch smaller than those before, such as the last one, is filled up by repeating
        its last image.
      batches: from the first row wanted to an iterator of (rows [b], images [b, ...]), rows in
        ascending order. Rows that are left out count as not present.
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
    progress = read_progress(folder, **wanted)
    if progress is None or progress.done < rows:
        with only_writer(folder):
            progress = _complete(apply, batches, folder, wanted, commit_every)
    arrays = open_arrays(folder, progress)
    layers = {name: arrays[name] for name in progress.dims}
    return Features(layers, np.array(arrays[PRESENT]), progress.key)


def _complete(
    apply: Callable[[np.ndarray], Mapping[str, Any]],
    batches: Callable[[int], Batches],
    folder: Path,
    wanted: dict[str, Any],
    commit_every: int,
) -> Progress:
    """Extract the rows that are missing."""
    # Read again: until a moment ago another process may have been at it.
    progress = read_progress(folder, **wanted)
    rows, dtype = wanted["rows"], np.dtype(wanted["dtype"])
    start, batch = (progress.done, progress.batch) if progress else (0, 0)
    with ExitStack() as stack:
        writer = stack.enter_context(CacheWriter(folder, progress)) if progress and start else None
        position = start
        for numbers, images in batches(start):
            _check(numbers, images, first=position, rows=rows)
            batch = max(batch, len(images))
            outputs = jax.device_get(apply(_filled_up(images, batch)))
            layers = {
                name: _as_rows(name, values, numbers, dtype) for name, values in outputs.items()
            }
            if writer is None:
                dims = {name: values.shape[1] for name, values in layers.items()}
                writer = stack.enter_context(
                    CacheWriter(folder, Progress(**wanted, dims=dims, batch=batch))
                )
            writer.write(numbers, layers)
            position = int(numbers[-1]) + 1
            if position - writer.progress.done >= commit_every:
                writer.commit(position)
        if writer is None:
            raise FeatureCacheError(
                f"no image came for any of {rows:,} rows, expected at least one; check the data "
                "set, and what was left out of it"
            )
        writer.commit(rows)
        return writer.progress


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


def _check(numbers: np.ndarray, images: np.ndarray, *, first: int, rows: int) -> None:
    ascending = len(numbers) > 0 and bool((np.diff(numbers) > 0).all())
    if len(numbers) == len(images) and ascending and first <= numbers[0] <= numbers[-1] < rows:
        return
    raise FeatureCacheError(
        f"a batch holds {len(images)} images for the rows {np.asarray(numbers).tolist()}, expected "
        f"one image a row, and rows from {first} to {rows - 1} in ascending order"
    )


def _filled_up(images: np.ndarray, batch: int) -> np.ndarray:
    missing = batch - len(images)
    return np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]) if missing else images


def _as_rows(name: str, values: np.ndarray, numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The layer's maps as [b, dims] of the type on disk, all finite."""
    flat = values[: len(numbers)].reshape(len(numbers), -1)
    with np.errstate(over="ignore"):
        flat = flat.astype(dtype, copy=False)
    finite = np.isfinite(flat).all(axis=1)
    if not finite.all():
        raise FeatureCacheError(
            f"the features of layer {name!r} at row {numbers[np.argmin(finite)]} hold NaN or "
            f"infinity (as {dtype.name}); expected finite numbers. Check the weights and the "
            "preprocessing"
        )
    return flat
