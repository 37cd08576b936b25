"""An extraction in a process of its own: `python -m tests.transfer.extracting FOLDER [KILL AT]`.

KILL is `between N` (SIGKILL when the batch from row N on is asked for) or `during N` (SIGKILL in
the middle of the commit of N rows, which are there, but not in progress.json). Prints the first
row that was asked for, and by how many MiB memory has grown.
"""

import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np

from jtransfer.transfer.features import feature_cache
from jtransfer.transfer.features.extraction import extract

ROWS, BATCH, DIMS = 400, 16, 100_000  # 160 MB of features


def apply(images):
    return {"wide": np.repeat(images.astype(np.float32), DIMS, axis=1), "narrow": images * 2.0}


def peak():
    """Most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, kill: str = "", at: str = "-1"):
    first = []

    def batches(start, stop):
        first.append(start)
        for row in range(start, stop, BATCH):
            if kill == "between" and row >= int(at):
                die()
            rows = np.arange(row, min(row + BATCH, stop))
            yield rows, rows[:, None].astype(np.uint16)

    write_progress = feature_cache.write_progress

    def write(folder, progress):
        if kill == "during" and progress.done >= int(at):
            die()
        write_progress(folder, progress)

    feature_cache.write_progress = write
    before = peak()
    extract(apply, batches, rows=ROWS, folder=folder, key={"net": "toy"}, commit_every=64)
    print(*first, peak() - before)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
