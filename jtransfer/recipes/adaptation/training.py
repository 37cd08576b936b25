"""Runs that train by steps: each trained once, taken up where it was, and judged."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.recipes.adaptation.judging import choices, evaluate, judged, judged_average
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import Program, feed_of, initial_variables
from jtransfer.recipes.adaptation.run import Run, run_of, said, started_from
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep
from jtransfer.train.loop import Feed, fit
from jtransfer.train.profile import profile_steps
from jtransfer.train.run_folder import RunFolder, read_json
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.state import TrainState

TOGETHER = "together.json"  # in the folder of a run that was trained with others


def first_state(problem: Problem, program: Program, seed: int, source: Run | None) -> TrainState:
    """The state before the first step, from the source-only run where there is one."""
    variables = initial_variables(program.recipe.net, problem, seed=seed, trunk=program.trunk)
    if source is not None and source.trained is not None:
        _, there = source.trained
        # The source-only run has not touched its domain head, which may be another net's.
        learned = {**there.params, "domain_head": variables["params"]["domain_head"]}
        # A copy, for the step uses up the state it is given; by way of the host, or what was
        # restored would be bound to its device, and the step compiled twice.
        held = jax.device_get({"params": learned, **there.stats})
        variables = jax.tree.map(jnp.array, held)
    variables = program.recipe.start(variables)
    return TrainState.create(variables, program.optimizer, rng=jax.random.key(seed + 1))


def trained(
    problem: Problem,
    options: Options,
    conduct: Conduct,
    program: Program,
    seed: int,
    source: Run | None,
) -> Run:
    """Train a method from a seed, or take up where an earlier call stopped.

    Args:
      problem: the data.
      options: how nets are trained for it.
      conduct: how long, and where the run leaves what it has.
      program: the method, compiled.
      seed: of the initial parameters, the order of the examples and dropout.
      source: the source-only run of the same seed, for methods that start from it.

    Raises:
      RunFolderError: if the run's folder holds a run with other settings.
    """
    method = program.method
    steps, name = conduct.steps_of(method), conduct.name(method, seed)
    settings = program.settings | started_from(source) | {"seed": seed}
    folder = RunFolder(conduct.folder(name), settings)
    state = first_state(problem, program, seed, source)
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        result = folder.result()
        # Where its last checkpoint is gone, a finished run is trained again to its end: figures and
        # other methods start from there.
        if result is not None and int(state.step) == steps:
            print(f"{name}: finished before{said(result)}")
            return run_of(program, result, read_records(folder.metrics_file), state)
        moving, frozen = program.groups.count(state.params)
        start = int(state.step)
        print(
            f"{name}: {moving:,} parameters moving, {frozen:,} frozen; "
            + (f"going on from step {start:,}" if start else f"{steps:,} steps")
        )
        with feed_of(
            problem, options, method, program.recipe, seed=seed, mesh=conduct.parallel.mesh
        ) as feed:
            state, seconds = run_steps(
                conduct,
                steps,
                folder,
                checkpoints,
                program.step,
                state,
                feed,
                examples=feed.examples_per_step,
                evaluate=partial(evaluate, problem, program),
            )
    records = read_records(folder.metrics_file)
    run = run_of(program, result or {}, records, state)
    if result is not None:
        return run
    result = folder.write_result(
        {
            **settings,
            **judged(problem, run, seed),
            "chosen_by": "last step",
            **judged_average(problem, program, state),
            "checkpoints": choices(records),
            "parameters": moving + frozen,
            "started_at_step": start,
            "seconds": round(seconds, 1),
            **how_together(folder),
        }
    )
    return replace(run, result=result)


def run_steps(
    conduct: Conduct,
    steps: int,
    folder: RunFolder,
    checkpoints: Checkpoints,
    step: CompiledStep,
    state: TrainState,
    feed: Feed,
    *,
    examples: int,
    evaluate: Callable[[TrainState], dict[str, Any]],
) -> tuple[TrainState, float]:
    """Train from a state to the last of `steps`; the state after it, and the seconds it took."""
    start = int(state.step)
    if conduct.profile and start < steps:
        print(profile_steps(step, state, feed, folder.path / "profile").table())
    started = time.perf_counter()
    with RunLog(
        folder.metrics_file,
        name=folder.path.name,
        total_steps=steps,
        first_step=start,
        examples_per_step=examples,
    ) as log:
        state = fit(
            step,
            state,
            feed,
            steps=steps,
            log=log,
            evaluate=evaluate,
            evaluate_every=conduct.evaluate_every,
            checkpoints=checkpoints,
            checkpoint_every=conduct.checkpoint_every,
            mesh=conduct.parallel.mesh,
        )
    return state, time.perf_counter() - started


def how_together(folder: RunFolder) -> dict[str, Any]:
    """Of a run that was trained with others in one program, what is said of that; else nothing."""
    file = folder.path / TOGETHER
    if not file.exists():
        return {}
    return read_json(
        file, dict, remedy="Remove it, and the result does not say who trained together"
    )
