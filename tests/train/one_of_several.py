"""One of several processes that train the tiny regression together; started by the tests.

    python -m tests.train.one_of_several COORDINATOR PROCESSES PROCESS FOLDER [KILLED_AT]

With KILLED_AT the last process is killed at that step.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.loop import fit
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog
from jtransfer.train.runtime import prepare_process
from tests.train import regression

STEPS, HEARTBEAT = 20, 10
STARTED = "this process has started"


@dataclass
class Killed(regression.Feed):
    """A feed at one of whose steps the last process dies."""

    at: int = -1

    def inputs(self, step):
        if step == self.at and jax.process_index() == jax.process_count() - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().inputs(step)


@dataclass
class Share(regression.Feed):
    """A feed that gives no more than its process's rows of a batch."""

    mesh: Mesh = field(kw_only=True)

    def inputs(self, step):
        mine = np.split(super().inputs(step), jax.process_count())[jax.process_index()]
        shares = NamedSharding(self.mesh, PartitionSpec("data"))
        return jax.make_array_from_process_local_data(shares, mine)


def main(coordinator: str, processes: str, process: str, folder: str, killed_at: str = "-1"):
    """Train from the newest checkpoint, and write what came out."""
    parallel = Parallel(2, True, coordinator, int(processes), int(process), HEARTBEAT)
    prepare_process(parallel)
    print(STARTED, file=sys.stderr, flush=True)
    mesh = parallel.mesh
    step = regression.compiled_step(mesh=mesh)
    if process == "0":
        time.sleep(1)  # late: what the others do until then must not be in its way
    run = RunFolder(Path(folder), {"steps": STEPS})
    with Checkpoints(run.checkpoint_folder) as checkpoints:
        state = regression.initial_state()
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        shown = {"name": "run", "total_steps": STEPS, "first_step": first}
        with RunLog(run.metrics_file, **shown) as log:
            state = fit(
                step,
                state,
                Killed(at=int(killed_at)),
                steps=STEPS,
                log=log,
                log_every=5,
                checkpoints=checkpoints,
                checkpoint_every=5,
                mesh=mesh,
            )
    run.write_result({"first": first})
    shared = fit(step, regression.initial_state(), Share(mesh=mesh), steps=STEPS, mesh=mesh)
    print("done")
    np.savez(Path(folder) / f"params-{process}.npz", **state.params, shared=shared.params["w"])


if __name__ == "__main__":
    main(*sys.argv[1:])
