"""A run in a process of its own, that tests kill: `python -m tests.train.resumable FOLDER [KILL]`.

KILL is `between N` (SIGKILL right after the step N, between two saves) or `during N` (SIGKILL while
the checkpoint of step N is being written). Without it the run goes on from what is there.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import jax
import numpy as np

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.loop import fit
from jtransfer.train.run_log import RunLog
from tests.train import regression

STEPS = 40


def die():
    """As suddenly as a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


class Feed(regression.Feed):
    """Kills the process when a certain step is asked for."""

    kill_at = -1

    def inputs(self, step):
        if step == self.kill_at:
            die()
        return super().inputs(step)


def die_while_writing(folder: Path, step: int):
    """Kill the process as soon as the unfinished checkpoint of a step appears."""

    def watch():
        while True:
            if any(folder.glob(f"{step}*tmp*")):
                die()
            if (folder / str(step)).exists():
                sys.exit("the checkpoint was finished before it could be interrupted")
            time.sleep(1e-4)

    threading.Thread(target=watch, daemon=True).start()


def main(folder: Path, kill: str = "", at: str = "-1"):
    """Train, or go on training, to step 40."""
    feed, state = Feed(), regression.initial_state()
    if kill == "between":
        feed.kill_at = int(at)
    if kill == "during":
        die_while_writing(folder / "steps", int(at))
    with Checkpoints(folder / "steps") as checkpoints:
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        with RunLog(
            folder / "metrics.jsonl",
            name="run",
            total_steps=STEPS,
            first_step=int(state.step),
        ) as log:
            state = fit(
                regression.compiled_step(),
                state,
                feed,
                steps=STEPS,
                log=log,
                log_every=5,
                checkpoints=checkpoints,
                checkpoint_every=10,
            )
    leaves = {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state.params))}
    np.savez(folder / "params.npz", **leaves)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
