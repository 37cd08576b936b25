"""The seeds of a method of domain adaptation, trained in one program.

They leave their runs at the last step, each in a folder of its own with its checkpoint and metrics,
where `trained` takes them up to measure them.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from jtransfer.recipes.adaptation.judging import evaluate
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import Program, feed_of
from jtransfer.recipes.adaptation.run import Run, started_from
from jtransfer.recipes.adaptation.training import TOGETHER, first_state, run_steps
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.run_folder import RunFolder, write_json
from jtransfer.train.run_log import read_records, write_records
from jtransfer.train.state import TrainState
from jtransfer.train.together import RunsFeed, stack_runs, unstack_runs


def train_together(
    problem: Problem,
    options: Options,
    conduct: Conduct,
    program: Program,
    sources: Mapping[int, Run | None],
) -> None:
    """Train those seeds that have no result yet, or take up where an earlier call stopped.

    Args:
      problem: the data.
      options: how nets are trained for it.
      conduct: how long, and where the runs leave what they have.
      program: the method, compiled.
      sources: the source-only run of each seed, for methods that start from it.
    """
    method = program.method
    folders = {
        seed: RunFolder(
            conduct.folder(conduct.name(method, seed)),
            program.settings | started_from(source) | {"seed": seed},
        )
        for seed, source in sources.items()
    }
    seeds = [seed for seed, folder in folders.items() if folder.result() is None]
    trained = [(folders[seed].path / TOGETHER).exists() for seed in seeds]
    if len(seeds) < 2 or all(trained):
        return
    first = conduct.name(method, seeds[0])
    name = first.removesuffix(f"seed{seeds[0]}") + "seeds" + "-".join(map(str, seeds))
    group = RunFolder(
        conduct.folder(name),
        {**program.settings, **started_from(sources[seeds[0]]), "seeds": seeds},
    )
    steps = conduct.steps_of(method)
    state = stack_runs([first_state(problem, program, seed, sources[seed]) for seed in seeds])

    def evaluate_runs(state: TrainState) -> dict[str, Any]:
        each = [evaluate(problem, program, run) for run in unstack_runs(state)]
        return {metric: np.array([of_run[metric] for of_run in each]) for metric in each[0]}

    with ExitStack() as stack:
        feeds = [
            stack.enter_context(feed_of(problem, options, method, program.recipe, seed=seed))
            for seed in seeds
        ]
        checkpoints = stack.enter_context(Checkpoints(group.checkpoint_folder))
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        start = int(state.step)
        print(
            f"{name}: {len(seeds)} runs in one program; "
            + (f"going on from step {start:,}" if start else f"{steps:,} steps")
        )
        state, seconds = run_steps(
            conduct,
            steps,
            group,
            checkpoints,
            program.step_of_runs,
            state,
            RunsFeed(feeds),
            examples=sum(feed.examples_per_step for feed in feeds),
            evaluate=evaluate_runs,
        )
    how: dict[str, Any] = {"together": len(seeds)}
    if start == 0:
        how["together_seconds"] = round(seconds, 1)
    records = read_records(group.metrics_file)
    for position, (seed, run) in enumerate(zip(seeds, unstack_runs(state), strict=True)):
        write_records(folders[seed].metrics_file, [_of_run(record, position) for record in records])
        with Checkpoints(folders[seed].checkpoint_folder) as checkpoints:
            checkpoints.save(run)
        # Last, for it says that the run is there whole.
        write_json(folders[seed].path / TOGETHER, how)


def _of_run(record: dict[str, Any], position: int) -> dict[str, Any]:
    return {
        name: value[position] if isinstance(value, list) else value
        for name, value in record.items()
    }
