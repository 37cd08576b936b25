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

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.command import run_command
from experiments.fine_tune.config import Config
from experiments.fine_tune.pairs import PAIRS, problem_of
from experiments.fine_tune.rows import ROWS, size_name
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.recipes.finetuning.few_labels.run import run_tunings
from jtransfer.train.runtime import prepare_process

Cells = Mapping[tuple[str, int], Any]


def table(config: Config, cells: Cells) -> str:
    """A line for every row, a column for every number of labelled images."""
    lines = [
        [
            ROWS[row].title,
            *(mean_std(cells[row, each]["target_accuracies"]) for each in config.each),
        ]
        for row in config.rows
    ]
    return console_table(["labelled images a class", *map(size_name, config.each)], lines)


def figure(config: Config, cells: Cells) -> Path:
    """Draw accuracy against the number of labelled images."""
    pair, path = PAIRS[config.pair], config.out / f"{config.pair}.png"
    bands_figure(
        {
            ROWS[row].title: {
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


def main(config: Config) -> dict[tuple[str, int], Any]:
    """Run the cells of a call, print their table and draw their figure."""
    prepare_process(config.parallel)
    pair = PAIRS[config.pair]
    problem = problem_of(pair, config.data_root)
    print(
        f"{config.pair}: {len(problem.source):,} source images, {len(problem.target):,} target "
        f"images to label, {len(problem.test):,} to test"
    )
    cells = run_tunings(
        problem,
        {row: ROWS[row].tuning for row in config.rows},
        config.each,
        options=config.options,
        conduct=config.conduct,
        seeds=config.seeds,
    )
    path = figure(config, cells)
    print(f"\n{pair.source} -> {pair.target}\n\n{table(config, cells)}")
    print(f"\nresults: {config.out}/{config.pair}-*/result.json\nfigure: {path}")
    return cells


if __name__ == "__main__":
    run_command(main, Config, __doc__)
