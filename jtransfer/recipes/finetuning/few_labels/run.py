"""Regimes on numbers of labelled examples, from several seeds: each trained once and judged."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jtransfer.measure import mean_std
from jtransfer.recipes.finetuning.few_labels.carried import Carried, carry
from jtransfer.recipes.finetuning.few_labels.options import Conduct, Options
from jtransfer.recipes.finetuning.few_labels.problem import Problem
from jtransfer.recipes.finetuning.few_labels.trainer import Trainer
from jtransfer.recipes.finetuning.rates import choose_rate
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.counted import counted
from jtransfer.train.run_folder import RunFolder


def run_tunings(
    problem: Problem,
    tunings: Mapping[str, Tuning],
    each: Sequence[int],
    *,
    options: Options | None = None,
    conduct: Conduct | None = None,
    seeds: Sequence[int] = (0,),
) -> dict[tuple[str, int], dict[str, Any]]:
    """Train a net on the source, carry it over, and run every tuning on every number of labels.

    The learning rate of each run is chosen on a fifth of its labelled images, held out, and never
    by the test set. What is finished is not run again.

    Args:
      problem: the images.
      tunings: by the names that they have in folders and results.
      each: labelled images a class of the target; 0 for all there are.
      options: how nets are trained.
      conduct: steps, and where the runs leave what they have.
      seeds: of the labelled images, the new head (from scratch: the net) and the order.

    Returns:
      {(name, each): result}, with the accuracies of all seeds on the target's test images.

    Raises:
      DataError: if a class has too few images.
      RunFolderError: if a run's folder holds a run with other settings.
    """
    options, conduct = options or Options(), conduct or Conduct()
    carried = carry(problem, options, conduct)
    results: dict[tuple[str, int], dict[str, Any]] = {}
    for name, tuning in counted(tunings.items(), "rows"):
        trainers: dict[int, Trainer] = {}
        for number in each:
            steps = conduct.steps_for(number)
            if steps not in trainers:
                trainers[steps] = Trainer.build(
                    carried, tuning, options, steps=steps, mesh=conduct.parallel.mesh
                )
            results[name, number] = run_tuning(
                carried, trainers[steps], name, number, options, conduct, seeds
            )
    return results


def run_tuning(
    carried: Carried,
    trainer: Trainer,
    row: str,
    each: int,
    options: Options,
    conduct: Conduct,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """Train on one number of labelled images from every seed, unless that was done."""
    steps = conduct.steps_for(each)
    listed = "-".join(map(str, seeds))
    name = f"{conduct.prefix}{row}-{each or 'all'}-{steps}-seeds{listed}"
    settings = {
        "row": row,
        "each": each,
        "seeds": list(seeds),
        "steps": steps,
        "batch": options.batch,
        "rates": list(options.learning_rates),
        **trainer.tuning.settings,
        **carried.settings,
    }
    folder = RunFolder(conduct.out / name, settings)
    result = folder.result()
    if result is None:
        started = time.perf_counter()
        measured = from_seeds(trainer, each, steps, options.learning_rates, seeds)
        seconds = round(time.perf_counter() - started, 1)
        result = folder.write_result({**settings, **measured, "seconds": seconds})
    accuracy = mean_std(result["target_accuracies"])
    print(f"{name}: {accuracy}, rates {result['chosen_rates']}, {result['seconds']:.0f} s")
    return result


def from_seeds(
    trainer: Trainer, each: int, steps: int, rates: Sequence[float], seeds: Sequence[int]
) -> dict[str, Any]:
    """Accuracies on the test images, with the rate chosen for each seed."""
    problem = trainer.carried.problem
    accuracies, chosen, step_times, labelled = [], [], [], 0
    for seed in seeds:
        positions = problem.labelled(each, seed)
        labelled = len(positions)
        # All images are the same labelled set for every seed.
        rate = (
            chosen[0]
            if chosen and each == 0
            else choose_rate(trainer, problem.target.labels, positions, rates, seed=seed)
        )
        begun = time.perf_counter()
        state = jax.block_until_ready(trainer.train(positions, rate, seed))
        step_times.append((time.perf_counter() - begun) / steps)
        chosen.append(rate)
        accuracies.append(trainer.test(state))
    return {
        "target_accuracies": accuracies,
        "chosen_rates": chosen,
        "chosen_by": "rate: held-out labelled images; last step",
        "labelled_images": labelled,
        "milliseconds_a_step": round(1e3 * min(step_times), 3),
    }
