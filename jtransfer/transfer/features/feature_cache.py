"""The folder that features are cached in: what it holds, and how it is written safely.

One `<layer>.npy` a layer, [rows, dims]; `present.npy`, bool [rows]; and `progress.json`, which says
what the features are of, how many rows are whole, and the checksums of these. It is replaced at
once, and only after the rows are on the disk, so that nothing half-written is ever taken for whole.
"""

import math
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from jtransfer.files.locking import sole_writer
from jtransfer.files.reading import open_regular, reading
from jtransfer.files.writing import remove_unfinished
from jtransfer.transfer.features.feature_progress import (
    PRESENT,
    Block,
    FeatureCacheError,
    Progress,
    require_layer_names,
    write_progress,
)

_CHUNK = 1 << 20


def open_arrays(folder: Path, progress: Progress) -> dict[str, np.memmap]:
    """The arrays of a cache, memory-mapped and read-only, their whole rows checked.

    All of them are read once: a third of a second for a gigabyte that the system has at hand.

    Raises:
      FeatureCacheError: if a file is missing or no file, of another size, shape or type than
        expected, or does not hold what was written.
    """
    again = f"Remove {folder} to extract the features again"
    arrays = {}
    for name, (shape, dtype) in progress.arrays.items():
        file, wanted = folder / f"{name}.npy", f"{dtype} {shape} in C order"
        with (
            reading(file, wanted, error=FeatureCacheError, absent=again, damaged=again),
            open_regular(file) as stream,
        ):
            array = np.lib.format.open_memmap(file, mode="r")
            # By ==, for the name of a type does not tell the order of its bytes.
            same = array.shape == shape and array.dtype == np.dtype(dtype)
            if not same or not array.flags.c_contiguous:
                raise FeatureCacheError(
                    f"{file} is {array.dtype.str} {array.shape}, expected {wanted}. {again}"
                )
            size, expected = os.fstat(stream.fileno()).st_size, array.offset + array.nbytes
            if size != expected:
                raise ValueError(f"it has {size:,} bytes, and {expected:,} by its header")
            stream.seek(array.offset)
            start = 0
            for block in progress.blocks:
                length = (block.done - start) * (array.nbytes // len(array))
                if _crc32(stream, length) != block.crc32[name]:
                    raise ValueError(
                        f"rows {start:,} to {block.done - 1:,} are not what was written, by their "
                        "checksum"
                    )
                start = block.done
        arrays[name] = array
    return arrays


def _crc32(stream: BinaryIO, length: int) -> int:
    """Checksum of the next bytes; not mapped, which would count as this process's memory."""
    checksum = 0
    while length:
        chunk = stream.read(min(length, _CHUNK))
        if not chunk:
            raise ValueError("it became shorter while it was read")
        checksum, length = zlib.crc32(chunk, checksum), length - len(chunk)
    return checksum


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Let one process at a time write to a cache, whose folder is made if it is not there.

    Raises:
      FeatureCacheError: if another process writes to it, or this user may not.
    """

    def busy() -> FeatureCacheError:
        return FeatureCacheError(
            f"another process is writing to {folder}; run this again when it has finished"
        )

    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(sole_writer(folder, busy=busy))
            remove_unfinished(folder)
        except OSError as error:
            raise FeatureCacheError(
                f"features cannot be written to {folder} ({error}); expected a folder that this "
                "user may write to. Change its permissions, or choose another folder"
            ) from error
        yield


class CacheWriter:
    """Writes rows to a cache's files; what is not committed does not count.

    Rows are written, not memory-mapped: mapped pages would count as this process's memory, and a
    full disk would kill it instead of raising.

    Args:
      folder: of the cache, which is there.
      progress: where to go on; at no row done the files are made anew.

    Raises:
      FeatureCacheError: if the disk is too full, or the files are not as `progress` says.
    """

    def __init__(self, folder: Path, progress: Progress):
        self.progress = progress
        self._folder = folder
        if not progress.done:
            self._create()
        arrays = open_arrays(folder, progress)
        self._offsets = {name: array.offset for name, array in arrays.items()}
        self._widths = {name: array.nbytes // len(array) for name, array in arrays.items()}
        with self._disk_errors():
            self._files: dict[str, BinaryIO] = {
                name: (folder / f"{name}.npy").open("r+b") for name in arrays
            }
        self._next = progress.done
        self._checksums = dict.fromkeys(arrays, 0)  # of the rows since the last commit

    def write(self, rows: np.ndarray, layers: Mapping[str, np.ndarray]) -> None:
        """Write features [b, dims] of each layer to the given rows [b], and mark them as present.

        Rows before them that were not written become zero, whatever a killed process left there.

        Args:
          rows: in ascending order, behind those written before.
          layers: of the cache's layers and dims.

        Raises:
          FeatureCacheError: if the layers are not the cache's, or writing fails.
        """
        dims = {name: values.shape[1] for name, values in layers.items()}
        if dims != self.progress.dims:
            raise FeatureCacheError(
                f"the net gives {dims} features a row, but {self._folder} holds "
                f"{self.progress.dims}; remove it to extract the features again"
            )
        for name, values in {**layers, PRESENT: np.ones((len(rows), 1), bool)}.items():
            self._append(name, zip(rows, np.ascontiguousarray(values), strict=True))
        self._next = int(rows[-1]) + 1

    def commit(self, done: int) -> None:
        """Bring everything to the disk, and count the first `done` rows as whole.

        Raises:
          FeatureCacheError: if that fails; the rows committed before stay.
        """
        if done == self.progress.done:
            return
        for name in self._files:
            self._append(name, ((done, b""),))
        with self._disk_errors():
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            block = Block(done, self._checksums)
            progress = replace(self.progress, blocks=(*self.progress.blocks, block))
            write_progress(self._folder, progress)
        self.progress, self._next = progress, done
        self._checksums = dict.fromkeys(self._files, 0)

    def __enter__(self) -> "CacheWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            # What matters was flushed by `commit`; on a full disk closing would fail once more.
            with suppress(OSError):
                file.close()

    def _append(self, name: str, lines: Iterable[tuple[Any, Any]]) -> None:
        """Write (row, its content), and zeros to the rows between them."""
        file, width, position = self._files[name], self._widths[name], self._next
        checksum, blank = self._checksums[name], bytes(width)
        with self._disk_errors():
            file.seek(self._offsets[name] + position * width)
            for row, line in lines:
                for content in (*repeat(blank, int(row) - position), line):
                    file.write(content)
                    checksum = zlib.crc32(content, checksum)
                position = int(row) + 1
        self._checksums[name] = checksum

    def _create(self) -> None:
        """Make the files at their full size; where the system can, they take no room yet."""
        require_layer_names(self.progress.dims)
        arrays = self.progress.arrays
        needed = sum(
            math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in arrays.values()
        )
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise FeatureCacheError(
                f"the features need {needed / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free in "
                f"{self._folder}; make room, choose another folder, fewer layers or float16"
            )
        with self._disk_errors():
            # First, so that what is made next is known as a cache's.
            write_progress(self._folder, self.progress)
            for name, (shape, dtype) in arrays.items():
                file = self._folder / f"{name}.npy"
                file.unlink(missing_ok=True)  # a pipe of that name would be waited for
                np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            done, rows = self.progress.done, self.progress.rows
            raise FeatureCacheError(
                f"features cannot be written to {self._folder} ({error}); {done:,} of {rows:,} "
                "rows are safe there. Make room and run this again: it goes on from them"
            ) from error
