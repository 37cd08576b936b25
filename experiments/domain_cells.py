"""The cells of the table of domain adaptation: each trained, measured and written once."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.domain_config import Config, MethodName
from experiments.domain_methods import METHODS, Program, feed_of, initial_variables
from experiments.domain_pairs import Problem
from jtransfer.data.splits import stratified_folds
from jtransfer.measure import accuracy, mean_per_class_accuracy, proxy_a_distance
from jtransfer.measure.selection import (
    batch_nuclear_norm,
    best,
    information_maximization,
    soft_neighborhood_density,
    source_risk,
)
from jtransfer.train.averaging import averaged_params
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import Feed, fit
from jtransfer.train.profile import profile_steps
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.state import TrainState
from jtransfer.transfer.subspace import AlignedSVM, fit_aligned_svm, fit_aligned_svm_by_oracle

SAMPLE = 1000  # images a domain for label-free criteria, the proxy A-distance and the embedding
ALIGNED = 2000  # images a domain for subspace alignment, whose time grows with their square
DIMENSIONS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # tried for the subspaces
PENALTIES = tuple(4.0**power for power in range(-4, 3))  # values of C of their SVM
TOGETHER = "together.json"  # in the folder of a run that was trained with others
CRITERIA = (
    "source_risk",
    "soft_neighborhood_density",
    "batch_nuclear_norm",
    "information_maximization",
)


@dataclass(frozen=True)
class Cell:
    """A finished run.

    Attributes:
      result: what `result.json` holds.
      records: what was logged.
      guess: from images of the target to classes [n].
      source_features: of the source's images, [n, features].
      target_features: of the target's.
      trained: the program and its state after the last step, where something was trained by steps.
    """

    result: dict[str, Any]
    records: list[dict[str, Any]]
    guess: Callable[[np.ndarray], np.ndarray]
    source_features: Callable[[np.ndarray], np.ndarray]
    target_features: Callable[[np.ndarray], np.ndarray]
    trained: tuple[Program, TrainState] | None = None

    def reader(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """A function of the trained program, named as there, over any number of images."""
        if self.trained is None:
            raise ValueError("nothing was trained by steps")
        program, state = self.trained
        return over(getattr(program, name), state)


def over(
    read: Callable[[TrainState, jax.Array], jax.Array], state: TrainState
) -> Callable[[np.ndarray], np.ndarray]:
    """A compiled function of a state and a batch as one of any number of images."""
    return partial(map_batches, partial(read, state))


def settings_of(config: Config, problem: Problem, method: MethodName, seed: int) -> dict[str, Any]:
    """What the results of every method depend on."""
    return {
        "experiment": "adapt_digits",
        **{key: getattr(config, key) for key in ("pair", "net", "preset", "batch")},
        "steps": config.steps_of(method),
        "method": method,
        "seed": seed,
        "data": problem.fingerprints,
    }


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
            return _cell(program, result, read_records(folder.metrics_file), state)
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
    cell = _cell(program, {}, records, state)
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


def aligned_cell(config: Config, problem: Problem, seed: int, source: Cell) -> Cell:
    """Align the last hidden layers of the source-only run of the same seed, and train an SVM."""
    name = config.cell("sa", seed)
    settings = settings_of(config, problem, "sa", seed)
    settings["source_steps"] = config.steps_of("source")
    folder = RunFolder(config.out / name, settings)
    of_source, of_target = source.reader("source_hidden"), source.reader("target_hidden")
    source_sample, target_sample = (
        problem.sample(domain, ALIGNED) for domain in ("source", "target")
    )
    labels = source_sample.labels

    @cache
    def hidden() -> tuple[np.ndarray, np.ndarray, float]:
        features = of_source(source_sample.images)
        scale = float(np.linalg.norm(features, axis=1).mean())
        return features / scale, of_target(target_sample.images) / scale, scale

    def how() -> dict[str, Any]:
        rows, columns = hidden()[0].shape
        most = min(columns, rows - 1, len(problem.target) - 1)
        return {
            "classes": len(problem.source.classes),
            "penalties": PENALTIES,
            "folds": stratified_folds(labels, 2, seed=seed),
            "dimensions": [d for d in DIMENSIONS if d <= most],
        }

    @cache
    def aligned() -> AlignedSVM:
        known, other, _ = hidden()
        return fit_aligned_svm(known, labels, other, **how())

    cell = Cell(
        folder.result() or {},
        [],
        lambda images: np.asarray(aligned().predict(of_target(images) / hidden()[2])),
        lambda images: np.asarray(aligned().alignment.source(of_source(images) / hidden()[2])),
        lambda images: np.asarray(aligned().alignment.target(of_target(images) / hidden()[2])),
    )
    if cell.result:
        print(f"{name}: finished before, accuracy {cell.result['target_accuracy']:.4f}")
        return cell
    started = time.perf_counter()
    measured = judged(problem, cell, seed)
    seconds = time.perf_counter() - started
    known, other, scale = hidden()
    test = of_target(problem.test.images) / scale
    oracle = fit_aligned_svm_by_oracle(known, labels, other, test, problem.test.labels, **how())
    result = folder.write_result(
        {
            **settings,
            **measured,
            "chosen_by": aligned().chosen_by,
            "dimension": aligned().dimension,
            "C": aligned().C,
            "oracle": {
                "dimension": oracle.dimension,
                "target_accuracy": oracle.scores[oracle.dimension],
            },
            "started_at_step": 0,
            "seconds": round(seconds, 1),
        }
    )
    print(
        f"{name}: {aligned().dimension} dimensions, accuracy {result['target_accuracy']:.4f}; "
        f"an oracle takes {oracle.dimension}, {result['oracle']['target_accuracy']:.4f}"
    )
    return replace(cell, result=result)


def how_together(folder: RunFolder) -> dict[str, Any]:
    """Of a run that was trained with others in one program, what is said of that; else nothing."""
    file = folder.path / TOGETHER
    return json.loads(file.read_text()) if file.exists() else {}


def evaluate(problem: Problem, program: Program, state: TrainState) -> dict[str, float]:
    """Accuracy on the target's test images, which decides nothing, and label-free criteria."""
    held_out, target = (problem.sample(part, SAMPLE) for part in ("held_out", "target"))
    of_source, of_target = over(program.source_logits, state), over(program.target_logits, state)
    guesses = of_target(problem.test.images).argmax(-1)
    losses = of_source(held_out.images).argmax(-1) != held_out.labels
    logits = of_target(target.images)
    probabilities = jax.device_get(jax.jit(jax.nn.softmax)(jax.device_put(logits)))
    return {
        "target_accuracy": accuracy(guesses, problem.test.labels),
        "source_risk": source_risk(losses),
        "soft_neighborhood_density": soft_neighborhood_density(probabilities),
        "batch_nuclear_norm": batch_nuclear_norm(probabilities),
        "information_maximization": information_maximization(probabilities),
    }


def choices(records: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The checkpoint that each criterion takes: its step and its accuracy on the target's test."""
    looks = [record for record in records if "target_accuracy" in record]

    def at(position: int) -> dict[str, float]:
        look = looks[position]
        return {"step": look["step"], "target_accuracy": look["target_accuracy"]}

    chosen = {
        criterion: at(best(criterion, [look[criterion] for look in looks]))
        for criterion in CRITERIA
    }
    return {**chosen, "oracle": at(int(np.argmax([look["target_accuracy"] for look in looks])))}


def judged(problem: Problem, cell: Cell, seed: int) -> dict[str, Any]:
    """What is measured of every method."""
    guesses, labels = cell.guess(problem.test.images), problem.test.labels
    return {
        "target_accuracy": accuracy(guesses, labels),
        "target_mean_per_class_accuracy": mean_per_class_accuracy(
            guesses, labels, len(problem.test.classes)
        ),
        "proxy_a_distance": proxy_a_distance(
            cell.source_features(problem.sample("source", SAMPLE).images),
            cell.target_features(problem.sample("target", SAMPLE).images),
            seed=seed,
        ),
        "test_images": len(labels),
    }


def judged_average(problem: Problem, program: Program, state: TrainState) -> dict[str, Any]:
    """Accuracy with the average of the parameters at the last step, where there is one."""
    if program.recipe.average is None:
        return {}
    cell = _cell(program, {}, [], state.replace(params=averaged_params(state)))
    guesses = cell.guess(problem.test.images)
    return {"averaged": {"target_accuracy": accuracy(guesses, problem.test.labels)}}


def _cell(
    program: Program, result: dict[str, Any], records: list[dict[str, Any]], state: TrainState
) -> Cell:
    return Cell(
        result,
        records,
        lambda images: over(program.target_logits, state)(images).argmax(-1),
        over(program.source_features, state),
        over(program.target_features, state),
        (program, state),
    )
