"""The folder that features are cached in: what it holds, and how it is written safely.

One `<layer>.npy` a layer, [rows, dims]; `present.npy`, bool [rows]; and `progress.json`, which says
what the features are of and how many rows are whole. It is replaced at once, and only after the
rows are on the disk, so that nothing half-written is ever taken for whole.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from jtransfer.train.run_folder import write_json

PRESENT = "present"


class FeatureCacheError(ValueError):
    """Features that cannot be cached, or a cache that does not hold what was asked for."""


@dataclass(frozen=True)
class Progress:
    """What `progress.json` holds.

    Attributes:
      key: what the features are of.
      rows: how many there are in the end.
      dtype: of the features, "float32" or "float16".
      dims: for each layer its features a row.
      batch: images in a call of the net; a resumed extraction goes on with the same.
      done: rows that are whole, counted from the first.
    """

    key: dict[str, str]
    rows: int
    dtype: str
    dims: dict[str, int]
    batch: int
    done: int = 0

    @property
    def arrays(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and type of every array."""
        layers = {name: ((self.rows, dims), self.dtype) for name, dims in self.dims.items()}
        return {**layers, PRESENT: ((self.rows,), "bool")}


def read_progress(
    folder: Path, *, key: Mapping[str, str], rows: int, dtype: str
) -> Progress | None:
    """How far the cache in a folder is, or None if there is none yet.

    Raises:
      FeatureCacheError: if the folder holds features of another key, or files that are no cache's.
    """
    file = folder / "progress.json"
    if not file.exists():
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise FeatureCacheError(
                f"{folder} holds files but no progress.json, so it is no cache of features; "
                "choose another folder"
            )
        return None
    try:
        progress = Progress(**json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise FeatureCacheError(
            f"{file} cannot be read ({error}); remove {folder} to extract the features again"
        ) from error
    there = {**progress.key, "rows": progress.rows, "dtype": progress.dtype}
    asked = {**key, "rows": rows, "dtype": dtype}
    differing = ", ".join(
        f"{name}: {there.get(name)!r} there, {asked.get(name)!r} asked for"
        for name in sorted(there.keys() | asked.keys())
        if there.get(name) != asked.get(name)
    )
    if differing:
        raise FeatureCacheError(
            f"{folder} holds other features ({differing}); choose another folder, or remove this "
            "one to extract them again"
        )
    return progress


def open_arrays(folder: Path, progress: Progress) -> dict[str, np.memmap]:
    """The arrays of a cache, memory-mapped and read-only.

    Raises:
      FeatureCacheError: if a file is missing, cut, or not of the expected shape and type.
    """
    arrays = {}
    for name, expected in progress.arrays.items():
        file = folder / f"{name}.npy"
        try:
            array = np.lib.format.open_memmap(file, mode="r")
        except (OSError, ValueError) as error:
            raise FeatureCacheError(
                f"{file} cannot be read ({error}); remove {folder} to extract the features again"
            ) from error
        if (array.shape, array.dtype.name) != expected:
            raise FeatureCacheError(
                f"{file} is {array.dtype} {array.shape}, expected {expected[1]} {expected[0]}; "
                f"remove {folder} to extract the features again"
            )
        arrays[name] = array
    return arrays


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Let one process at a time write to a cache; a killed one leaves it free.

    Raises:
      FeatureCacheError: if another process writes to it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise FeatureCacheError(
            f"another process is writing to {folder}; run this again when it has finished"
        ) from error
    finally:
        os.close(handle)


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
        self._files: dict[str, BinaryIO] = {
            name: (folder / f"{name}.npy").open("r+b") for name in arrays
        }

    def write(self, rows: np.ndarray, layers: Mapping[str, np.ndarray]) -> None:
        """Write features [b, dims] of each layer to the given rows [b], and mark them as present.

        Raises:
          FeatureCacheError: if the layers are not the cache's, or writing fails.
        """
        dims = {name: values.shape[1] for name, values in layers.items()}
        if dims != self.progress.dims:
            raise FeatureCacheError(
                f"the net gives {dims} features a row, but {self._folder} holds "
                f"{self.progress.dims}; remove it to extract the features again"
            )
        with self._disk_errors():
            for name, values in {**layers, PRESENT: np.ones((len(rows), 1), bool)}.items():
                file, values = self._files[name], np.ascontiguousarray(values)
                for row, line in zip(rows, values, strict=True):
                    file.seek(self._offsets[name] + int(row) * line.nbytes)
                    file.write(line.data)

    def commit(self, done: int) -> None:
        """Bring everything to the disk, and count the first `done` rows as whole.

        Raises:
          FeatureCacheError: if that fails; the rows committed before stay.
        """
        with self._disk_errors():
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            progress = replace(self.progress, done=done)
            write_json(self._folder / "progress.json", asdict(progress))
        self.progress = progress

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

    def _create(self) -> None:
        """Make the files at their full size; where the system can, they take no room yet."""
        arrays = self.progress.arrays
        needed = sum(
            int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in arrays.values()
        )
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise FeatureCacheError(
                f"the features need {needed / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free in "
                f"{self._folder}; make room, choose another folder, fewer layers or float16"
            )
        with self._disk_errors():
            # First, so that what is made next is known as a cache's.
            write_json(self._folder / "progress.json", asdict(self.progress))
            for name, (shape, dtype) in arrays.items():
                file = self._folder / f"{name}.npy"
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
