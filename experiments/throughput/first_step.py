"""Time a DANN run on LeNet from the command to its first step, with programs compiled and kept.

    python -m experiments.throughput.first_step        (needs MNIST and USPS; half a minute)

Each run is a new process: Python and the imports, MNIST and USPS from their files, the net drawn,
the step compiled and taken once. Cold, JAX's compilation cache is an empty folder; warm, the one
that the run before has left. The cold and the warm take turns.

The numbers go to experiments/results/benchmark_first_step/, from where
`python -m experiments.report` writes the page of throughput. Nothing else should run meanwhile.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.command import run_command
from experiments.throughput.interleaved import apart, keep
from experiments.throughput.rows import first_step_rows
from jtransfer.measure import console_table
from jtransfer.train.provenance import provenance

Stages = dict[str, list[float]]  # of each, seconds and seconds of processor time


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    repeats: int = 5  # runs with an empty cache, and as many with a full one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("experiments/results/benchmark_first_step")  # where the numbers go


def to_first_step(config: Config, cache: str) -> Stages:
    """One run."""
    child = [sys.executable, "-m", "experiments.throughput.to_first_step", str(time.time())]
    done = subprocess.run(
        [*child, str(config.data_root or "")],
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": cache},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    return json.loads(done.stdout)


def median(runs: list[Stages]) -> Stages:
    """Of each stage, and in all."""
    in_all = [[sum(column) for column in zip(*run.values(), strict=True)] for run in runs]
    each = {stage: [run[stage] for run in runs] for stage in runs[0]} | {"in all": in_all}
    return {
        stage: [statistics.median(column) for column in zip(*times, strict=True)]
        for stage, times in each.items()
    }


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    if config.repeats < 1:
        raise ValueError(f"repeats is {config.repeats}; expected 1 or more")
    runs: dict[str, list[Stages]] = {"cold": [], "warm": []}
    for _ in range(config.repeats):
        with TemporaryDirectory() as cache:
            for how in runs.values():
                how.append(to_first_step(config, cache))
    result: dict[str, Any] = {
        "experiment": "benchmark_first_step",
        "date": str(date.today()),
        "repeats": config.repeats,
        "stages": {how: median(of) for how, of in runs.items()},
        "made_by": apart(provenance),
    }
    print(console_table(*first_step_rows(result)))
    keep(config.out, "lenet", result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
