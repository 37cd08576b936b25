"""One pass of a net over rows of a data set, into a cache on disk, from where it stopped."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jtransfer.train.evaluation import filled_up
from jtransfer.transfer.features.feature_cache import CacheWriter
from jtransfer.transfer.features.feature_progress import (
    FeatureCacheError,
    Progress,
    read_progress,
)

Batches = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Pass:
    """What is extracted, and how; see `extract`.

    Attributes:
      apply: from images to their layers.
      batches: from the first row wanted and the one behind the last to those rows and their images.
      wanted: what `read_progress` is asked for.
      commit_every: rows after which what is there is made sure of.
    """

    apply: Callable[[np.ndarray], Mapping[str, Any]]
    batches: Callable[[int, int], Batches]
    wanted: dict[str, Any]
    commit_every: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.wanted["rows"]

    def progress(self, folder: Path) -> Progress | None:
        """How far a cache is."""
        return read_progress(folder, **self.wanted)


def complete_rows(of: Pass, folder: Path) -> Progress:
    """Extract the rows that are missing in a cache, as its only writer; errors as of `extract`."""
    # Read again: until a moment ago another process may have been at it.
    progress = of.progress(folder)
    rows, dtype = of.rows, np.dtype(of.wanted["dtype"])
    start, batch = (progress.done, progress.batch) if progress else (0, 0)
    with ExitStack() as stack:
        writer = stack.enter_context(CacheWriter(folder, progress)) if progress and start else None
        position = start
        for numbers, images in of.batches(start, rows):
            _check(numbers, images, first=position, rows=rows)
            batch = max(batch, len(images))
            outputs = jax.device_get(of.apply(filled_up(images, batch)))
            layers = {
                name: _as_rows(name, values, numbers, dtype) for name, values in outputs.items()
            }
            if writer is None:
                dims = {name: values.shape[1] for name, values in layers.items()}
                writer = stack.enter_context(
                    CacheWriter(folder, Progress(**of.wanted, dims=dims, batch=batch))
                )
            writer.write(numbers, layers)
            position = int(numbers[-1]) + 1
            if position - writer.progress.done >= of.commit_every:
                writer.commit(position)
        if writer is None:
            raise FeatureCacheError(
                f"no image came for any of {rows:,} rows, expected at least one; check the data "
                "set, and what was left out of it"
            )
        writer.commit(rows)
        return writer.progress


def _check(numbers: np.ndarray, images: np.ndarray, *, first: int, rows: int) -> None:
    ascending = len(numbers) > 0 and bool((np.diff(numbers) > 0).all())
    if len(numbers) == len(images) and ascending and first <= numbers[0] <= numbers[-1] < rows:
        return
    raise FeatureCacheError(
        f"a batch holds {len(images)} images for the rows {np.asarray(numbers).tolist()}, expected "
        f"one image a row, and rows from {first} to {rows - 1} in ascending order"
    )


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
