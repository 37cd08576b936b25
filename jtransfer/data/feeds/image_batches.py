"""Batches of decoded images in the order of their files, read by worker processes."""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.unreadable import (
    LEAVE_OUT,
    OnUnreadable,
    check_on_unreadable,
    report,
    require_most,
)
from jtransfer.data.feeds.workers import StoredPaths, close_at_exit, made_in_workers, stored
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb


def image_batches(
    files: ImageFiles,
    crop: Crop,
    *,
    batch: int = 64,
    workers: int = 0,
    on_unreadable: OnUnreadable = "stop",
    start: int = 0,
    stop: int | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read, decode and crop the images, in order.

    The result does not depend on the number of workers. They are new processes that take a second
    or two to start and import the script that called: call from below its
    `if __name__ == "__main__":`. Finished batches wait in shared memory, at most four a worker.

    Args:
      files: the images.
      crop: makes an array of one shape from an image of any size.
      batch: files a batch.
      workers: processes that decode; 0 to decode in this one when a batch is asked for.
      on_unreadable: what to do about files that cannot be read, for whatever cause: "stop" raises
        an error at the batch that has one, "skip" leaves them out and says how many and which on
        stderr at the end, where it is an error if they are more than ten and more than half.
      start: position of the first file to read, to go on where a run broke off.
      stop: position behind the last one to read; by default all are read.

    Returns:
      Pairs (rows [b] int64, images [b, (10,) size, size, 3] uint8) with the positions of the images
      in `files`; b is `batch` less the files left out, and what remains in the last one.

    Raises:
      DataError: if the numbers are out of range, or naming a file that cannot be read.
      RuntimeError: if a worker process dies.
    """
    if batch < 1 or workers < 0:
        raise DataError(
            f"batch {batch} and workers {workers}; expected at least 1 image a batch and 0 or more "
            "processes"
        )
    stop = len(files) if stop is None else stop
    if not 0 <= start <= stop <= len(files):
        raise DataError(
            f"files {start:,} to {stop:,} are out of range; expected 0 to {len(files):,}, the "
            f"number of files of {files.name}. They belong to another list of files: start from 0"
        )
    check_on_unreadable(on_unreadable)
    workers = min(workers, math.ceil((stop - start) / batch))
    batches = _batches(files, crop, batch, workers, on_unreadable, range(start, stop))
    close_at_exit(batches)
    return batches


# What came of one file: its position, and its image or what there is to complain about.
_Outcome = tuple[int, np.ndarray | str]


@dataclass(frozen=True)
class _Read:
    """Decodes and crops a file by its position; an object, to be sent to worker processes."""

    paths: Sequence[Path] | StoredPaths
    crop: Crop

    def __call__(self, row: int) -> _Outcome:
        try:
            image = read_rgb(self.paths[row], at_least=self.crop.ample)
        except DataError as error:
            return row, str(error)
        return row, self.crop(image)


def _gather(outcomes: Sequence[_Outcome]) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """One batch: rows, images, and the complaints by row."""
    images = {row: result for row, result in outcomes if not isinstance(result, str)}
    complaints = {row: result for row, result in outcomes if isinstance(result, str)}
    stacked = np.stack([*images.values()]) if images else np.empty(0, np.uint8)
    return np.array([*images], np.int64), stacked, complaints


def _batches(
    files: ImageFiles, crop: Crop, batch: int, workers: int, on_unreadable: str, wanted: range
) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
    import grain

    left_out: list[int] = []
    with ExitStack() as stack:
        paths = stack.enter_context(stored(files.paths)) if workers else files.paths
        dataset = (
            grain.MapDataset.range(wanted.start, wanted.stop)
            .map(_Read(paths, crop))
            .batch(batch, batch_fn=_gather)
            .to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
        )
        elements = made_in_workers(dataset, workers) if workers else iter(dataset)
        for rows, images, complaints in stack.enter_context(closing(elements)):
            if complaints and on_unreadable == "stop":
                raise DataError(f"{complaints[min(complaints)]}. {LEAVE_OUT}")
            left_out += complaints
            if len(rows):
                yield rows, images
    report(files, left_out, len(wanted))
    require_most(files, len(left_out), len(wanted))
