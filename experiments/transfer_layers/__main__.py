"""Which layers transfer: accuracy against the number of layers that are copied.

The experiment of Yosinski et al. (NIPS 2014, Figure 2) on a small scale. The classes of a data set
are split at random into halves A and B, and a net is trained on each. Then the first n layers of
one of them are copied into a new net, the rest of it is new, and it is trained on B:

    BnB    B's own layers, frozen: falls where neighbouring layers had adapted to each other
    BnB+   B's own layers, fine-tuned: what the longer training alone gives
    AnB    A's layers, frozen: falls where layers are specific to A's classes
    AnB+   A's layers, fine-tuned

With nothing downloaded (scikit-learn's digits, a minute on one core):

    python -m experiments.transfer_layers

On German traffic signs, three random splits (some 25 minutes on one core; measured: BENCHMARKS.md):

    python -m experiments.transfer_layers --task signs --seeds 0 1 2

All nets are trained alike, with the same steps and rate. Signs were chosen because 21 classes
against 21 others leave a layer something to be specific to, at a size of which two cores can afford
22 nets a split; halves of MNIST's ten digits are nearly solved by every net. A finished cell is not
run again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.command import run_command
from experiments.transfer_layers.config import Config
from experiments.transfer_layers.tasks import TASKS, problem_of
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.recipes.finetuning.layers.run import Kind, run_layers
from jtransfer.train.runtime import prepare_process


def table(config: Config, counts: list[int], cells: Mapping[tuple[Kind, int], Any]) -> str:
    """A line for every kind, a column for every number of layers; 0 is B's net itself."""
    lines = [
        [
            kind,
            mean_std(cells[kind, counts[0]]["base_accuracies"]),
            *(mean_std(cells[kind, count]["accuracies"]) for count in counts),
        ]
        for kind in config.kinds
    ]
    return console_table(["layers copied", "0", *map(str, counts)], lines)


def figure(config: Config, counts: list[int], cells: Mapping[tuple[Kind, int], Any]) -> Path:
    """Draw accuracy against the number of layers that were copied."""
    path = config.out / f"{config.task}.png"
    bands_figure(
        {
            kind: {
                "0": cells[kind, counts[0]]["base_accuracies"],
                **{str(count): cells[kind, count]["accuracies"] for count in counts},
            }
            for kind in config.kinds
        },
        path,
        places=["0", *map(str, counts)],
        xlabel="first layers copied",
        ylabel="accuracy on B's test images",
        title=f"{TASKS[config.task].data}, halves of its classes: which layers transfer",
    )
    return path


def main(config: Config) -> dict[tuple[Kind, int], Any]:
    """Run the cells of a call, print their table and draw their figure."""
    prepare_process(config.parallel)
    task = TASKS[config.task]
    problem = problem_of(task, config.data_root)
    print(
        f"{config.task}: {len(problem.train):,} training and {len(problem.test):,} test images, "
        f"{problem.classes} classes in each half"
    )
    cells = run_layers(
        problem,
        options=config.options,
        conduct=config.conduct,
        kinds=config.kinds,
        seeds=config.seeds,
    )
    counts = sorted({count for _, count in cells})
    path = figure(config, counts, cells)
    print(f"\n{task.data}, accuracy on B\n\n{table(config, counts, cells)}")
    print(f"\nresults: {config.out}/{config.task}-*/result.json\nfigure: {path}")
    return cells


if __name__ == "__main__":
    run_command(main, Config, __doc__)
