"""Worker processes that start by themselves, end with their parent, and never hang it.

Grain starts them (by spawn, not by fork, which JAX's threads forbid); this adds what it lacks.
"""

import atexit
import gc
import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from grain import IterDataset

_FEW_FILES, _FEW_BYTES = 1000, 25_000_000


def made_in_workers(dataset: "IterDataset", workers: int) -> Generator[tuple[Any, ...], None, None]:
    """The elements of a grain data set, in the same order, made by worker processes.

    Args:
      dataset: of tuples of arrays and other small things.
      workers: number of processes.

    Yields:
      The tuples; their arrays are copies, so that the shared memory they came in is free again.

    Raises:
      RuntimeError: if a worker process dies.
    """
    import grain

    _mark_flag_as_parsed()
    options = grain.MultiprocessingOptions(num_workers=workers)
    iterator = iter(dataset.mp_prefetch(options, worker_init_fn=_obey_the_parent))
    try:
        yield from map(_copied, iterator)
    except RuntimeError as error:
        error.add_note(
            "A worker process dies when it cannot import the calling script (call from below its "
            '`if __name__ == "__main__":`, and not from standard input), or when memory is short, '
            "or shared memory, as in a container (give smaller batches). workers=0 needs none."
        )
        raise
    finally:
        iterator.close()  # pyright: ignore[reportAttributeAccessIssue]
        del iterator
        _free_shared_memory()


def worth_starting(paths: Sequence[Path], workers: int) -> int:
    """As many processes as there may be, or 0 where reading the files takes less than they do.

    To start, a process takes about 2 seconds of the processor, in which one decodes 1,000 small
    photographs or 25 MB.

    Args:
      paths: of the files.
      workers: processes at most.
    """
    if len(paths) > _FEW_FILES:
        return workers
    sizes = 0
    for path in paths:
        with suppress(OSError):  # what cannot be read is told where it is read
            sizes += path.stat().st_size
    return workers if sizes > _FEW_BYTES else 0


def close_at_exit(batches: Generator[Any, None, None]) -> None:
    """Close a generator of `made_in_workers` when the program ends, if it is not at its end.

    Grain cannot close its iterators any more when the interpreter takes its modules apart.
    """
    atexit.register(_close, weakref.ref(batches))


def _close(batches: "weakref.ref[Generator[Any, None, None]]") -> None:
    unfinished = batches()
    if unfinished is not None:
        unfinished.close()


def _copied(element: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(np.array(part) if isinstance(part, np.ndarray) else part for part in element)


def _free_shared_memory() -> None:
    """Free what grain still holds, or Python says that it leaked when the program ends now."""
    from grain.multiprocessing import SharedMemoryArray

    gc.collect()  # the last element is part of a cycle
    freeing = getattr(SharedMemoryArray, "_del_thread_pool", None)
    if freeing is not None:
        with suppress(ValueError):  # the pool may be closed, at the end of the program ...
            freeing.apply_async(int).wait(1)  # ... or no longer answer; else this takes its turn


@dataclass(frozen=True)
class StoredPaths:
    """Paths that reach other processes as the name of a file that lists them.

    Python hangs when it starts a process, sends it more than a pipe holds (64 kB), and the process
    dies before it has read that: as it does where the calling script cannot be imported.

    Attributes:
      file: lists the paths, with a zero byte between them.
    """

    file: Path

    def __getitem__(self, position: int) -> Path:
        """The path at a position."""
        return _listed(self.file)[position]


@lru_cache(maxsize=1)
def _listed(file: Path) -> list[Path]:
    return [Path(os.fsdecode(name)) for name in file.read_bytes().split(b"\0")]


@contextmanager
def stored(paths: Sequence[Path]) -> Iterator[StoredPaths]:
    """Keep paths in a file while worker processes need them."""
    descriptor, name = mkstemp(prefix="jtransfer-paths-")
    try:
        with open(descriptor, "wb") as stream:
            stream.write(b"\0".join(os.fsencode(path) for path in paths))
        yield StoredPaths(Path(name))
    finally:
        os.unlink(name)


def _mark_flag_as_parsed() -> None:
    """Let grain 0.2.18 start workers in a program that does not parse its options by absl.

    It reads this flag whether or not flags were parsed, which absl forbids. Later versions ask
    first (google/grain, pull request 1361).
    """
    from absl import flags

    name = "grain_enable_multiprocess_worker_profiling"
    if name in flags.FLAGS:
        flags.FLAGS[name].present = True


def _obey_the_parent(_worker: int, _workers: int) -> None:
    """Runs first in a worker: leave Ctrl-C to the parent, and end when it ends, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end, daemon=True).start()
