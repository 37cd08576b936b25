"""Fine-tuning: who may move, against the number of labelled images of the target.

A net is trained on a source, its trunk is carried over, a new head is put on it, and the regimes of
`jt.plan` train it on 1, 5, 10, 50 labelled images a class of the target, and on
all. There is no published table of just these digits to stand beside; what is expected: carried
over, the trunk beats a net trained from scratch clearly where labels are few, and all regimes meet
where labels are plenty. Measured on USPS, all do but three: with all 7,291 labels a trunk that may
not move (both frozen rows) or is held at its start (L2-SP) fits the target's own strokes less well
than one trained from scratch, by .7 to 1.5 points; those that move end .4 to .6 points above it.

With nothing downloaded (drawn numbers -> real handwriting, some 4 minutes on one core):

    python -m experiments.fine_tune

MNIST -> USPS on the real sets, three seeds (some 20 minutes on one core; measured: BENCHMARKS.md):

    python -m experiments.fine_tune --pair mnist-usps --seeds 0 1 2

The seeds draw the labelled images, the new head (from scratch: the net) and the order. The learning
rate of each cell is chosen on a fifth of its labelled images, held out, and never by the test set;
with fewer than 5 a class there is nothing to hold out, and it is the first one. A finished cell is
not run again.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from tyro.conf import OmitArgPrefixes

from experiments.command import run_command
from experiments.labelled import Learner, choose_rate, train_source
from experiments.regime_rows import ROWS, Bench, RowName, Trainer, fresh_variables
from experiments.small_nets import digit_net
from experiments.transfer_pairs import PAIRS, Problem
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.train.evaluation import map_batches
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import plan


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, number of labelled images) is one cell."""

    pair: Literal["numbers-digits", "mnist-usps"] = "numbers-digits"  # source-target
    rows: tuple[RowName, ...] = tuple(ROWS)  # of the table
    each: tuple[int, ...] = (1, 5, 10, 50, 0)  # labelled images a class; 0 for all there are
    seeds: tuple[int, ...] = (0,)  # of labelled images, initial parameters and order
    steps: int | None = None  # of every run on the target, instead of the pair's
    source_steps: int | None = None  # of the source net's training, instead of the pair's
    batch: int = 32  # labelled images in a step
    source_batch: int = 64  # source images in a step
    source_rate: float = 0.05  # at the start, falling to 0 as a cosine
    rates: tuple[float, ...] = (0.01, 0.003, 0.03, 0.1)  # to choose from; by default the first
    momentum: float = 0.9  # of stochastic gradient descent
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/fine_tune")  # one folder a cell, and the figure

    def steps_for(self, each: int) -> int:
        """Training steps of a cell."""
        pair = PAIRS[self.pair]
        return self.steps or (pair.steps if each else pair.steps_all)


def prepare(config: Config, problem: Problem) -> Bench:
    """Train the source net, or take it from its checkpoint, and compute its features."""
    pair, net = PAIRS[config.pair], digit_net(classes=len(problem.source.classes))
    steps = config.source_steps or pair.source_steps
    settings = {
        "pair": config.pair,
        "source_steps": steps,
        "source_batch": config.source_batch,
        "source_rate": config.source_rate,
        "momentum": config.momentum,
        "data": {
            part: getattr(problem, part).fingerprint()
            for part in ("source", "source_test", "target", "test")
        },
    }
    variables = fresh_variables(net, problem, seed=0)
    learner = Learner.build(
        net,
        variables["params"],
        plan("scratch", layer_names(net), steps=steps),
        problem.transform,
        batch=config.source_batch,
        momentum=config.momentum,
        mesh=config.parallel.mesh,
    )
    state, _ = train_source(
        learner,
        config.out / f"{config.pair}-source-{steps}",
        {"experiment": "fine_tune", "row": "source", **settings},
        variables,
        {
            "image": jnp.asarray(problem.source.images),
            "label": jnp.asarray(problem.source.labels),
        },
        np.arange(len(problem.source)),
        rate=config.source_rate,
        seed=0,
        measure=lambda state: {
            "source_accuracy": learner.accuracy(
                state, problem.source_test.images, problem.source_test.labels
            ),
            "target_accuracy": learner.accuracy(state, problem.test.images, problem.test.labels),
        },
    )
    source = {"params": state.params, **state.stats}

    @jax.jit
    def features(pixels: jax.Array) -> jax.Array:
        return net.apply(source, problem.transform(pixels), method="features")  # pyright: ignore

    of_target = (
        map_batches(features, problem.target.images),
        map_batches(features, problem.test.images),
    )
    return Bench(problem, source, of_target, settings)


def run_cell(config: Config, bench: Bench, trainer: Trainer, row: RowName, each: int) -> Any:
    """Train a row on one number of labelled images from every seed, unless that was done."""
    steps = config.steps_for(each)
    seeds = "-".join(map(str, config.seeds))
    name = f"{config.pair}-{row}-{each or 'all'}-{steps}-seeds{seeds}"
    settings = {
        "experiment": "fine_tune",
        "row": row,
        "each": each,
        "seeds": list(config.seeds),
        "steps": steps,
        "batch": config.batch,
        "rates": list(config.rates),
        "penalty": list(ROWS[row].penalty),
        **bench.settings,
    }
    folder = RunFolder(config.out / name, settings)
    result = folder.result()
    if result is None:
        started = time.perf_counter()
        labels = bench.problem.target.labels
        accuracies, rates, step_times, labelled = [], [], [], 0
        for seed in config.seeds:
            positions = bench.problem.labelled(each, seed)
            labelled = len(positions)
            # All images are the same labelled set for every seed.
            rate = (
                rates[0]
                if rates and each == 0
                else choose_rate(trainer, labels, positions, config.rates, seed=seed)
            )
            begun = time.perf_counter()
            state = jax.block_until_ready(trainer.train(positions, rate, seed))
            step_times.append((time.perf_counter() - begun) / steps)
            rates.append(rate)
            accuracies.append(trainer.test(state))
        result = folder.write_result(
            {
                **settings,
                "target_accuracies": accuracies,
                "chosen_rates": rates,
                "chosen_by": "rate: held-out labelled images; last step",
                "labelled_images": labelled,
                "milliseconds_a_step": round(1e3 * min(step_times), 3),
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
    accuracy = mean_std(result["target_accuracies"])
    print(f"{name}: {accuracy}, rates {result['chosen_rates']}, {result['seconds']:.0f} s")
    return result


def table(config: Config, cells: Mapping[tuple[RowName, int], Any]) -> str:
    """A line for every row, a column for every number of labelled images."""
    lines = [
        [ROWS[row].name, *(mean_std(cells[row, each]["target_accuracies"]) for each in config.each)]
        for row in config.rows
    ]
    return console_table(["labelled images a class", *map(size_name, config.each)], lines)


def size_name(each: int) -> str:
    """The number of labelled images a class in words."""
    return str(each) if each else "all"


def figure(config: Config, cells: Mapping[tuple[RowName, int], Any]) -> Path:
    """Draw accuracy against the number of labelled images."""
    pair, path = PAIRS[config.pair], config.out / f"{config.pair}.png"
    bands_figure(
        {
            ROWS[row].name: {
                size_name(each): cells[row, each]["target_accuracies"] for each in config.each
            }
            for row in config.rows
        },
        path,
        places=[*map(size_name, config.each)],
        xlabel="labelled target images a class",
        ylabel="accuracy on the target's test set",
        title=f"{pair.source} → {pair.target}: fine-tuning",
    )
    return path


def main(config: Config) -> dict[tuple[RowName, int], Any]:
    """Run the cells of a call, print their table and draw their figure."""
    prepare_process(config.parallel)
    pair = PAIRS[config.pair]
    problem = Problem.load(pair, config.data_root)
    print(
        f"{config.pair}: {len(problem.source):,} source images, {len(problem.target):,} target "
        f"images to label, {len(problem.test):,} to test"
    )
    bench = prepare(config, problem)
    cells: dict[tuple[RowName, int], Any] = {}
    for row in config.rows:
        trainers: dict[int, Trainer] = {}
        for each in config.each:
            steps = config.steps_for(each)
            if steps not in trainers:
                trainers[steps] = Trainer.build(
                    bench,
                    ROWS[row],
                    steps=steps,
                    batch=config.batch,
                    momentum=config.momentum,
                    mesh=config.parallel.mesh,
                )
            cells[row, each] = run_cell(config, bench, trainers[steps], row, each)
    path = figure(config, cells)
    print(f"\n{pair.source} -> {pair.target}\n\n{table(config, cells)}")
    print(f"\nresults: {config.out}/{config.pair}-*/result.json\nfigure: {path}")
    return cells


if __name__ == "__main__":
    run_command(main, Config, __doc__)
