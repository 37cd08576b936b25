"""One of several processes that train methods in small together; started by the tests.

    python -m tests.train.games_of_several COORDINATOR PROCESSES PROCESS FOLDER NAME:BY...

NAME is a method of `games`, BY is jit or pmap. Each has two devices.
"""

import sys
from pathlib import Path

import jax
import numpy as np

from jtransfer.train.parallel import Parallel
from jtransfer.train.runtime import prepare_process
from tests.train.games import trained


def main(coordinator: str, processes: str, process: str, folder: str, *games: str):
    """Train each and write its parameters, in the order of their tree."""
    prepare_process(Parallel(2, True, coordinator, int(processes), int(process)))
    for game in games:
        name, by = game.split(":")
        params, _ = trained(name, jax.devices(), by=by)
        np.savez(Path(folder) / f"{name}-{by}-{process}.npz", *jax.tree.leaves(params))


if __name__ == "__main__":
    main(*sys.argv[1:])
