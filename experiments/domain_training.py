"""The cells of the table of domain adaptation that train by steps, each run once."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from experiments.domain_cells import Cell, cell_of, settings_of
from experiments.domain_config import Config, MethodName
from experiments.domain_judging import choices, evaluate, judged, judged_average
from experiments.domain_methods import METHODS, Program, feed_of, initial_variables
from experiments.domain_problem import Problem
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep
from jtransfer.train.loop import Feed, fit
from jtransfer.train.profile import profile_steps
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.state import TrainState

TOGETHER = "together.json"  # in the folder of a run that was trained with others


def trained_settings(
    config: Config, problem: Problem, program: Program, method: MethodName, seed: int
) -> dict[str, Any]:
    """What the results of a method that trains by steps depend on."""
    settings = settings_of(config, problem, method, seed) | program.recipe.settings
    if program.recipe.average is not None:
        settings["average"] = program.recipe.average
    if METHODS[method].from_source:
        settings["source_steps"] = config.steps_of("source")
    return settings


def first_state(problem: Problem, program: Program, seed: int, source: Cell | None) -> TrainState:
    """The state before the first step, from the source-only run where there is one."""
    variables = initial_variables(program.recipe.net, problem, seed=seed)
    if source is not None and source.trained is not None:
        _, there = source.trained
        # The source-only run has not touched its domain head, which may be another net's.
        learned = {**there.params, "domain_head": variables["params"]["domain_head"]}
        # A copy, for the step uses up the state it is given.
        variables = jax.tree.map(jnp.copy, {"params": learned, **there.stats})
    variables = program.recipe.start(variables)
    return TrainState.create(variables, program.optimizer, rng=jax.random.key(seed + 1))


def trained_cell(
    config: Config,
    problem: Problem,
    program: Program,
    method: MethodName,
    seed: int,
    source: Cell | None,
) -> Cell:
    """Train a method from a seed, or take up where an earlier call stopped.

    Args:
      config: the settings.
      problem: the data.
      program: the method, compiled.
      method: its name.
      seed: of the initial parameters, the order of the examples and dropout.
      source: the source-only run of the same seed, for methods that start from it.
    """
    steps, name = config.steps_of(method), config.cell(method, seed)
    settings = trained_settings(config, problem, program, method, seed)
    folder = RunFolder(config.out / name, settings)
    state = first_state(problem, program, seed, source)
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        result = folder.result()
        if result is not None:
            print(f"{name}: finished before, accuracy {result['target_accuracy']:.4f}")
            return cell_of(program, result, read_records(folder.metrics_file), state)
        moving, frozen = program.groups.count(state.params)
        start = int(state.step)
        print(
            f"{name}: {moving:,} parameters moving, {frozen:,} frozen; "
            + (f"going on from step {start:,}" if start else f"{steps:,} steps")
        )
        feed = feed_of(config, problem, method, program.recipe, seed=seed)
        state, seconds = run_steps(
            config,
            method,
            folder,
            checkpoints,
            program.step,
            state,
            feed,
            examples=feed.examples_per_step,
            evaluate=partial(evaluate, problem, program),
        )
    records = read_records(folder.metrics_file)
    cell = cell_of(program, {}, records, state)
    result = folder.write_result(
        {
            **settings,
            **judged(problem, cell, seed),
            "chosen_by": "last step",
            **judged_average(problem, program, state),
            "checkpoints": choices(records),
            "parameters": moving + frozen,
            "started_at_step": start,
            "seconds": round(seconds, 1),
            **how_together(folder),
        }
    )
    return replace(cell, result=result)


def run_steps(
    config: Config,
    method: MethodName,
    folder: RunFolder,
    checkpoints: Checkpoints,
    step: CompiledStep,
    state: TrainState,
    feed: Feed,
    *,
    examples: int,
    evaluate: Callable[[TrainState], dict[str, Any]],
) -> tuple[TrainState, float]:
    """Train from a state to a method's last step; the state after it, and the seconds it took."""
    steps, start = config.steps_of(method), int(state.step)
    if config.profile and start < steps:
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
            evaluate_every=config.evaluate_every,
            checkpoints=checkpoints,
            checkpoint_every=config.checkpoint_every,
            mesh=config.parallel.mesh,
        )
    return state, time.perf_counter() - started


def how_together(folder: RunFolder) -> dict[str, Any]:
    """Of a run that was trained with others in one program, what is said of that; else nothing."""
    file = folder.path / TOGETHER
    return json.loads(file.read_text()) if file.exists() else {}
