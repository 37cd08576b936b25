"""Batches of image files for training: shuffled, repeated, decoded while the device computes."""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.order import shuffled_positions
from jtransfer.data.feeds.place import Place
from jtransfer.data.feeds.unreadable import (
    LEAVE_OUT,
    OnUnreadable,
    check_on_unreadable,
    report,
)
from jtransfer.data.feeds.workers import StoredPaths, close_at_exit, made_in_workers, stored
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb

if TYPE_CHECKING:
    from jax.sharding import Mesh

    from jtransfer.data.feeds.resident import Transform

_STEPS = 2**40  # more than a run takes
_TRIES = 100  # files in a row that may be unreadable where such are left out


class ImageStream:
    """A feed for `fit` of images that do not fit in memory.

    A batch is a pure function of (seed, step), whatever the number of workers, so that a resumed
    run goes on in the middle of an epoch. Steps asked for one after the other are made ahead, in a
    thread or in worker processes, and sent to the device; a jump starts anew from there. Random
    crops and flips belong into the step: give `make_step` an `augment`.

    Worker processes import the script that called: call from below its
    `if __name__ == "__main__":`, and close the stream, or use it in a `with` statement.
    """

    constants: tuple[()] = ()
    """Nothing stays on the device from step to step."""

    def __init__(
        self,
        files: ImageFiles,
        crop: Crop,
        *,
        batch: int,
        domain: str = "source",
        labelled: bool = True,
        seed: int | tuple[int, ...] = 0,
        workers: int = 0,
        ahead: int = 2,
        on_unreadable: OnUnreadable = "stop",
        transform: "Transform | None" = None,
        mesh: "Mesh | None" = None,
    ):
        """Describe the stream; nothing is read yet.

        Args:
          files: the images.
          crop: makes an array of one shape from an image of any size, somewhat larger than the
            net's images where they are cropped at random later.
          batch: images a step.
          domain: name of the batch's only domain.
          labelled: whether the batches have labels.
          seed: of the order of the images; of several numbers where several streams have one seed.
          workers: processes that decode; 0 for a thread of this one.
          ahead: batches that wait on the device.
          on_unreadable: what to do about files that cannot be read: "stop" raises an error at the
            batch that has one, "skip" takes the next file of the list in its place, and says how
            many and which on stderr when the stream is closed.
          transform: applied to the uint8 images inside the compiled step; None leaves them.
          mesh: of the devices that train together. Where they are several processes', each reads
            no more than its devices' share of a batch, and what `inputs` gives is the whole.

        Raises:
          DataError: if a number is out of range.
        """
        if not 1 <= batch <= len(files):
            raise DataError(
                f"a batch of {batch} cannot be drawn from the {len(files):,} files of "
                f"{files.name}; expected 1 to that many. Give more files, or another batch"
            )
        if workers < 0 or ahead < 1:
            raise DataError(
                f"workers {workers} and ahead {ahead}; expected 0 or more processes and at least 1 "
                "batch ahead"
            )
        check_on_unreadable(on_unreadable)
        self._files = files
        tries = _TRIES if on_unreadable == "skip" else 1
        order = seed if isinstance(seed, tuple) else (seed,)
        self._place = Place(batch, mesh)
        self._read = _ReadBatch(
            files.paths, len(files), crop, batch, order, tries, self._place.mine
        )
        self._labels = files.labels if labelled else None
        self._domain, self._workers, self._ahead = domain, workers, ahead
        self._transform = transform
        self._step = 0  # of the first batch in `_waiting`
        self._waiting: deque[Future[dict[str, Any]]] = deque()
        self._batches: Generator[dict[str, Any], None, None] | None = None
        self._thread: ThreadPoolExecutor | None = None

    @property
    def examples_per_step(self) -> int:
        """Examples in one batch."""
        return self._read.batch

    def inputs(self, step: int) -> dict[str, dict[str, Any]]:
        """The batch of a step: {domain: {image: [batch, ...] uint8, label: [batch, ...] int32}}.

        Without labels there is no label.

        Raises:
          DataError: naming a file of the batch that cannot be read, or the last of a hundred in a
            row that cannot where such files are left out.
          RuntimeError: if a worker process dies.
        """
        if self._thread is None or step != self._step:
            self.close()
            self._start(step)
        batch = self._waiting.popleft()
        self._order()
        self._step += 1
        try:
            return {self._domain: batch.result()}
        except BaseException:
            self.close()
            raise

    def gather(self, constants: Any, inputs: Any) -> dict[str, dict[str, Any]]:
        """For `compile_step`: the batch with its images transformed; pure."""
        del constants
        fields = dict(inputs[self._domain])
        if self._transform is not None:
            fields["image"] = self._transform(fields["image"])
        return {self._domain: fields}

    def close(self) -> None:
        """End the thread and the worker processes; `inputs` starts them anew."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
            self._thread = None
        if self._batches is not None:
            self._batches.close()
            self._batches = None
        self._waiting.clear()

    def __enter__(self) -> "ImageStream":
        """Itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close."""
        self.close()

    def _start(self, step: int) -> None:
        self._step = step
        self._batches = _batches(
            self._files, self._labels, self._read, self._place, self._workers, step
        )
        close_at_exit(self._batches)
        self._thread = ThreadPoolExecutor(1, "image-stream")
        for _ in range(self._ahead):
            self._order()

    def _order(self) -> None:
        assert self._thread is not None
        assert self._batches is not None
        self._waiting.append(self._thread.submit(next, self._batches))


@dataclass(frozen=True)
class _ReadBatch:
    """Decodes and crops the files of a step; an object, to be sent to worker processes."""

    paths: Sequence[Path] | StoredPaths
    count: int  # of the paths
    crop: Crop
    batch: int
    seed: tuple[int, ...]
    tries: int  # files one after the other, until one can be read
    mine: np.ndarray  # places in the batch of what this process reads

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
        """Positions of the files, their images, and the complaints about others by position.

        Where there are no images, none could be read in as many tries.
        """
        complaints: dict[int, str] = {}
        taken, images = [], []
        whole = shuffled_positions(self.count, self.batch, step=step, seed=self.seed)
        for wanted in whole[self.mine]:
            for row in (int(wanted + further) % self.count for further in range(self.tries)):
                try:
                    image = read_rgb(self.paths[row], at_least=self.crop.ample)
                except DataError as error:
                    complaints[row] = str(error)
                    continue
                taken.append(row)
                images.append(self.crop(image))
                break
            else:
                return np.empty(0, np.int64), np.empty(0, np.uint8), complaints
        return np.array(taken), np.stack(images), complaints


def _batches(
    files: ImageFiles,
    labels: np.ndarray | None,
    read: _ReadBatch,
    place: Place,
    workers: int,
    start: int,
) -> Generator[dict[str, Any], None, None]:
    import grain

    with ExitStack() as stack:
        if workers:
            read = replace(read, paths=stack.enter_context(stored(files.paths)))
        dataset = (
            grain.MapDataset.range(start, _STEPS)
            .map(read)
            .to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
        )
        elements = made_in_workers(dataset, workers) if workers else iter(dataset)
        left_out: dict[int, None] = {}
        stack.callback(lambda: report(files, [*left_out], len(files)))
        for positions, images, complaints in stack.enter_context(closing(elements)):
            if not len(positions):
                *_, last = complaints.values()
                others = f"None of {len(complaints):,} files that were tried can be read"
                raise DataError(f"{last}. {LEAVE_OUT if read.tries == 1 else others}")
            left_out |= dict.fromkeys(complaints)
            fields = (
                {"image": images}
                if labels is None
                else {"image": images, "label": labels[positions]}
            )
            yield place(fields)
