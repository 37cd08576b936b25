"""One pass over a data set by several processes, each with a part of the rows, into one cache.

A part is a cache of its own in a hidden folder of the whole one: it goes on where its process
stopped, and all are copied into the whole when they are there.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from jax.experimental import multihost_utils

from jtransfer.transfer.features.extraction_pass import Pass, complete_rows
from jtransfer.transfer.features.feature_cache import CacheWriter, only_writer, open_arrays
from jtransfer.transfer.features.feature_progress import PRESENT, Progress

_PARTS = ".parts"


def complete_by_processes(of: Pass, folder: Path) -> Progress:
    """As `complete_rows`, called by all processes that were started together."""
    count, process = jax.process_count(), jax.process_index()
    multihost_utils.sync_global_devices(f"all have seen how far {folder} is")
    complete_part(of, folder, part=process, parts=count)
    multihost_utils.sync_global_devices(f"all parts of {folder} are there")
    if process == 0:
        join_parts(of, folder, parts=count)
    multihost_utils.sync_global_devices(f"{folder} is whole")
    progress = of.progress(folder)
    assert progress is not None  # the first process has written it
    return progress


def complete_part(of: Pass, folder: Path, *, part: int, parts: int) -> None:
    """Extract what is missing of one part of a cache's rows."""
    rows = part_rows(of.rows, part, parts)
    if not rows:
        return
    there, own = _part(of, folder, part, parts)
    if _done(of, folder) >= rows.stop or _done(own, there) == len(rows):
        return
    with only_writer(there):
        complete_rows(own, there)


def join_parts(of: Pass, folder: Path, *, parts: int) -> None:
    """Copy all parts, which are there, into the whole cache, and remove them."""
    with only_writer(folder), ExitStack() as stack:
        progress, writer = of.progress(folder), None
        if progress is not None and progress.done:
            writer = stack.enter_context(CacheWriter(folder, progress))
        for part in range(parts):
            rows = part_rows(of.rows, part, parts)
            if not rows or (writer is not None and writer.progress.done >= rows.stop):
                continue
            there, own = _part(of, folder, part, parts)
            of_part = own.progress(there)
            assert of_part is not None  # its process has completed it
            arrays = open_arrays(there, of_part)
            if writer is None:
                begun = Progress(**of.wanted, dims=of_part.dims, batch=of_part.batch)
                writer = stack.enter_context(CacheWriter(folder, begun))
            for start in range(max(writer.progress.done, rows.start), rows.stop, of.commit_every):
                stop = min(start + of.commit_every, rows.stop)
                present = np.flatnonzero(arrays[PRESENT][start - rows.start : stop - rows.start])
                if len(present):
                    at = start - rows.start + present
                    writer.write(start + present, {n: arrays[n][at] for n in of_part.dims})
                writer.commit(stop)
    shutil.rmtree(folder / _PARTS, ignore_errors=True)


def part_rows(rows: int, part: int, parts: int) -> range:
    """The rows of a part: as many as those of the others, or one more or less."""
    return range(rows * part // parts, rows * (part + 1) // parts)


def _done(of: Pass, folder: Path) -> int:
    progress = of.progress(folder)
    return progress.done if progress else 0


def _part(of: Pass, folder: Path, part: int, parts: int) -> tuple[Path, Pass]:
    """The folder of a part, and the pass over its rows, which are counted from 0 there."""
    rows = part_rows(of.rows, part, parts)

    def batches(start: int, stop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for numbers, images in of.batches(rows.start + start, rows.start + stop):
            yield numbers - rows.start, images

    key = {**of.wanted["key"], "part": f"{part + 1} of {parts}, of {of.rows:,} rows"}
    own = replace(of, batches=batches, wanted={**of.wanted, "key": key, "rows": len(rows)})
    return folder / _PARTS / f"{part + 1}-of-{parts}", own
