"""How the runs of domain adaptation are judged, with and without labels."""

from typing import Any

import jax
import numpy as np

from jtransfer.measure import accuracy, mean_per_class_accuracy, proxy_a_distance
from jtransfer.measure.selection import (
    batch_nuclear_norm,
    best,
    information_maximization,
    soft_neighborhood_density,
    source_risk,
)
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import Program
from jtransfer.recipes.adaptation.run import Run, over, run_of
from jtransfer.train.averaging import averaged_params
from jtransfer.train.state import TrainState

SAMPLE = 1000  # images a domain for label-free criteria, the proxy A-distance and the embedding
CRITERIA = (
    "source_risk",
    "soft_neighborhood_density",
    "batch_nuclear_norm",
    "information_maximization",
)


def evaluate(problem: Problem, program: Program, state: TrainState) -> dict[str, float]:
    """Accuracy on the target's test images, which decides nothing, and label-free criteria.

    Of a test without labels there is no accuracy.
    """
    held_out, target = (problem.sample(part, SAMPLE) for part in ("held_out", "target"))
    of_source, of_target = over(program.source_logits, state), over(program.target_logits, state)
    losses = of_source(held_out.images).argmax(-1) != held_out.labels
    logits = of_target(target.images)
    probabilities = jax.device_get(jax.jit(jax.nn.softmax)(jax.device_put(logits)))
    seen = {}
    if problem.judges:
        guesses = of_target(problem.test.images).argmax(-1)
        seen["target_accuracy"] = accuracy(guesses, problem.test.labels)
    return {
        **seen,
        "source_risk": source_risk(losses),
        "soft_neighborhood_density": soft_neighborhood_density(probabilities),
        "batch_nuclear_norm": batch_nuclear_norm(probabilities),
        "information_maximization": information_maximization(probabilities),
    }


def choices(records: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The checkpoint that each criterion takes: its step and its accuracy on the target's test."""
    looks = [record for record in records if CRITERIA[0] in record]

    def at(position: int) -> dict[str, float]:
        look = looks[position]
        return {name: look[name] for name in ("step", "target_accuracy") if name in look}

    chosen = {
        criterion: at(best(criterion, [look[criterion] for look in looks]))
        for criterion in CRITERIA
    }
    if "target_accuracy" not in looks[0]:
        return chosen
    return {**chosen, "oracle": at(int(np.argmax([look["target_accuracy"] for look in looks])))}


def judged(problem: Problem, run: Run, seed: int) -> dict[str, Any]:
    """What is measured of every method."""
    seen: dict[str, Any] = {}
    if problem.judges:
        guesses, labels = run.guess(problem.test.images), problem.test.labels
        classes = len(problem.test.classes)
        seen = {
            "target_accuracy": accuracy(guesses, labels),
            "target_mean_per_class_accuracy": mean_per_class_accuracy(guesses, labels, classes),
        }
    return {
        **seen,
        "proxy_a_distance": proxy_a_distance(
            run.source_features(problem.sample("source", SAMPLE).images),
            run.target_features(problem.sample("target", SAMPLE).images),
            seed=seed,
        ),
        "test_images": len(problem.test) if problem.judges else 0,
    }


def judged_average(problem: Problem, program: Program, state: TrainState) -> dict[str, Any]:
    """Accuracy with the average of the parameters at the last step, where there is one."""
    if program.recipe.average is None or not problem.judges:
        return {}
    run = run_of(program, {}, [], state.replace(params=averaged_params(state)))
    guesses = run.guess(problem.test.images)
    return {"averaged": {"target_accuracy": accuracy(guesses, problem.test.labels)}}
