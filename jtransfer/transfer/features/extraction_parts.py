"""One pass over a data set by several processes, each with a part of the rows, into one cache.

A part is a cache of its own in a hidden folder of the whole one: it goes on where its process
stopped, and all are copied into the whole when they are there.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from jtransfer.transfer.features.extraction_pass import Batches, complete_rows
from jtransfer.transfer.features.feature_cache import CacheWriter, only_writer, open_arrays
from jtransfer.transfer.features.feature_progress import PRESENT, Progress, read_progress

_PARTS = ".parts"


def complete_by_processes(
    apply: Callable[[np.ndarray], Mapping[str, Any]],
    batches: Callable[[int, int], Batches],
    folder: Path,
    wanted: dict[str, Any],
    commit_every: int,
) -> Progress:
    """As `complete_rows`, called by all processes that were started together."""
    count, process = jax.process_count(), jax.process_index()
    multihost_utils.sync_global_devices(f"all have seen how far {folder} is")
    complete_part(apply, batches, folder, wanted, commit_every, part=process, parts=count)
    multihost_utils.sync_global_devices(f"all parts of {folder} are there")
    if process == 0:
        join_parts(folder, wanted, commit_every, parts=count)
    multihost_utils.sync_global_devices(f"{folder} is whole")
    progress = read_progress(folder, **wanted)
    assert progress is not None  # the first process has written it
    return progress


def complete_part(
    apply: Callable[[np.ndarray], Mapping[str, Any]],
    batches: Callable[[int, int], Batches],
    folder: Path,
    wanted: dict[str, Any],
    commit_every: int,
    *,
    part: int,
    parts: int,
) -> None:
    """Extract what is missing of one part of a cache's rows; arguments as for `complete_rows`."""
    rows = part_rows(wanted["rows"], part, parts)
    if not rows:
        return

    def of_part(start: int, stop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for numbers, images in batches(rows.start + start, rows.start + stop):
            yield numbers - rows.start, images

    there, asked = _part(folder, wanted, part, parts)
    if _done(folder, wanted) >= rows.stop or _done(there, asked) == len(rows):
        return
    with only_writer(there):
        complete_rows(apply, of_part, there, asked, commit_every)


def join_parts(folder: Path, wanted: dict[str, Any], commit_every: int, *, parts: int) -> None:
    """Copy all parts, which are there, into the whole cache, and remove them."""
    with only_writer(folder), ExitStack() as stack:
        progress, writer = read_progress(folder, **wanted), None
        if progress is not None and progress.done:
            writer = stack.enter_context(CacheWriter(folder, progress))
        for part in range(parts):
            rows = part_rows(wanted["rows"], part, parts)
            if not rows or (writer is not None and writer.progress.done >= rows.stop):
                continue
            there, asked = _part(folder, wanted, part, parts)
            of_part = read_progress(there, **asked)
            assert of_part is not None  # its process has completed it
            arrays = open_arrays(there, of_part)
            if writer is None:
                begun = Progress(**wanted, dims=of_part.dims, batch=of_part.batch)
                writer = stack.enter_context(CacheWriter(folder, begun))
            for start in range(max(writer.progress.done, rows.start), rows.stop, commit_every):
                stop = min(start + commit_every, rows.stop)
                present = np.flatnonzero(arrays[PRESENT][start - rows.start : stop - rows.start])
                if len(present):
                    at = start - rows.start + present
                    writer.write(start + present, {n: arrays[n][at] for n in of_part.dims})
                writer.commit(stop)
    shutil.rmtree(folder / _PARTS, ignore_errors=True)


def part_rows(rows: int, part: int, parts: int) -> range:
    """The rows of a part: as many as those of the others, or one more or less."""
    return range(rows * part // parts, rows * (part + 1) // parts)


def _done(folder: Path, wanted: dict[str, Any]) -> int:
    progress = read_progress(folder, **wanted)
    return progress.done if progress else 0


def _part(folder: Path, wanted: dict[str, Any], part: int, parts: int) -> tuple[Path, dict]:
    """The folder of a part, and what `read_progress` is asked of it."""
    key = {**wanted["key"], "part": f"{part + 1} of {parts}, of {wanted['rows']:,} rows"}
    rows = part_rows(wanted["rows"], part, parts)
    there = folder / _PARTS / f"{part + 1}-of-{parts}"
    return there, {**wanted, "key": key, "rows": len(rows)}
