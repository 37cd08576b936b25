"""Layers copied n at a time from nets trained on halves of the classes (Yosinski et al. 2014).

The first n layers of a net are copied into a new one, the rest of it is new, and it is trained on
half B of the classes:

    BnB    B's own layers, frozen: falls where neighbouring layers had adapted to each other
    BnB+   B's own layers, fine-tuned: what the longer training alone gives
    AnB    A's layers, frozen: falls where layers are specific to A's classes
    AnB+   A's layers, fine-tuned
"""

import time
from collections.abc import Sequence
from typing import Any, Literal

from jtransfer.measure import mean_std
from jtransfer.recipes.finetuning.layers.bases import (
    Split,
    fresh_variables,
    learner_of,
    on_device,
    settings_of,
    train_bases,
)
from jtransfer.recipes.finetuning.layers.halves import Halved
from jtransfer.recipes.finetuning.layers.options import Conduct, Options
from jtransfer.recipes.finetuning.learner import Learner
from jtransfer.train.counted import counted
from jtransfer.train.run_folder import RunFolder
from jtransfer.transfer.finetuning.layers import copy_layers, first_layers

Kind = Literal["BnB", "BnB+", "AnB", "AnB+"]
KINDS: tuple[Kind, ...] = ("BnB", "BnB+", "AnB", "AnB+")


def run_layers(
    problem: Halved,
    *,
    options: Options | None = None,
    conduct: Conduct | None = None,
    kinds: Sequence[Kind] = KINDS,
    seeds: Sequence[int] = (0,),
) -> dict[tuple[Kind, int], dict[str, Any]]:
    """Copy 1, 2, ... layers, up to all of the trunk, and train each net on B.

    All nets are trained alike. What is finished is not run again.

    Args:
      problem: the data.
      options: how nets are trained.
      conduct: where the runs leave what they have.
      kinds: whose layers are copied, and whether they move.
      seeds: of the split, the initial parameters and the order.

    Returns:
      {(kind, layers): result}, with the accuracies of all seeds on B's test images, and those of
      B's own net.

    Raises:
      RunFolderError: if a run's folder holds a run with other settings.
    """
    options, conduct = options or Options(), conduct or Conduct()
    everything = learner_of(problem, options, conduct, ())
    splits = [train_bases(problem, options, conduct, everything, seed) for seed in seeds]
    net = options.net(classes=problem.classes)
    results: dict[tuple[Kind, int], dict[str, Any]] = {}
    for count in counted(range(1, len(net.trunk.stage_names) + 1), "numbers of layers"):
        frozen = learner_of(problem, options, conduct, first_layers(net, count))
        for kind in kinds:
            learner = everything if kind.endswith("+") else frozen
            results[kind, count] = run_copies(
                problem, options, conduct, learner, splits, kind, count
            )
    return results


def run_copies(
    problem: Halved,
    options: Options,
    conduct: Conduct,
    learner: Learner,
    splits: Sequence[Split],
    kind: Kind,
    count: int,
) -> dict[str, Any]:
    """Copy the first `count` layers and train on B, for every split, unless that was done."""
    seeds = [split.seed for split in splits]
    listed = "-".join(map(str, seeds))
    name = f"{conduct.prefix}{kind}-{count}-{options.steps}-seeds{listed}"
    settings = {
        **settings_of(problem, options, conduct),
        "kind": kind,
        "layers": count,
        "seeds": seeds,
    }
    folder = RunFolder(conduct.out / name, settings)
    result = folder.result()
    if result is None:
        net = options.net(classes=problem.classes)
        started = time.perf_counter()
        accuracies = []
        for split in splits:
            # Neither net of the split was initialised so.
            number = 1000 + split.seed
            variables = copy_layers(
                fresh_variables(net, problem, seed=number),
                split.bases[kind[0]],
                first_layers(net, count),
            )
            half = split.half_b
            state = learner.train(
                variables,
                on_device(problem, half),
                half.positions,
                learning_rate=options.learning_rate,
                seed=number,
            )
            accuracies.append(learner.accuracy(state, half.test_images, half.test_labels))
        seconds = round(time.perf_counter() - started, 1)
        result = folder.write_result(
            {
                **settings,
                "accuracies": accuracies,
                "base_accuracies": [split.accuracy for split in splits],
                "chosen_by": "last step",
                "seconds": seconds,
            }
        )
    print(f"{name}: {mean_std(result['accuracies'])}, {result['seconds']:.0f} s")
    return result
