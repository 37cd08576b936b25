"""Unsupervised domain adaptation on digits and signs: the whole table.

Methods: source only, SA (Fernando et al. 2013), DANN (Ganin et al. 2016), the same with weighted
classes (Tachet des Combes et al. 2020), ADDA (Tzeng et al. 2017), image translation (Murez et al.
2018), a mean teacher, mostly beside DANN's adversary (French et al. 2018, Berthelot et al. 2022),
train on target.
Reproduces the table of Ganin & Lempitsky (ICML 2015, Table 1; JMLR 2016, Table 2), accuracy on the
target's test set; for MNIST -> MNIST-M:

    method           ICML    JMLR
    source only      .5749   .5225
    SA               .6078   .5690
    DANN             .8149   .7666
    train on target  .9891   .9596

Nothing to download, drawn digits -> real handwriting (`make demo` runs three of the methods):

    python -m experiments.adapt_digits

A pair of the table with three seeds (measured numbers and times: BENCHMARKS.md), and one cell:

    python -m experiments.adapt_digits --pair mnist-mnist_m --seeds 0 1 2
    python -m experiments.adapt_digits --pair mnist-mnist_m --methods teacher --seeds 1

`--net augmented` gives the other methods the mean teacher's images, each standardised and, in
training, changed at random (image translation's stay in 0..1 and are mapped only):

    python -m experiments.adapt_digits --pair signs-gtsrb --net augmented

SA and ADDA start from the source-only run of the same seed, which is run first. A finished cell is
not run again; an interrupted one goes on from its last checkpoint. With `--together` all seeds of a
method train in one program, which on an accelerator takes little longer than one of them:

    python -m experiments.adapt_digits --pair mnist-mnist_m --seeds 0 1 2 3 4 --together
"""

import numpy as np
import tyro

from experiments.domain_aligned import aligned_cell
from experiments.domain_cells import Cell
from experiments.domain_config import Config, MethodName
from experiments.domain_figures import figures
from experiments.domain_methods import METHODS, Program, build
from experiments.domain_pairs import PAIRS
from experiments.domain_problem import Problem
from experiments.domain_tables import averaged_column, gap_column
from experiments.domain_together import train_together
from experiments.domain_training import trained_cell
from experiments.published import papers_of, published
from jtransfer.measure import console_table, mean_std
from jtransfer.train.runtime import prepare_process

Cells = dict[tuple[MethodName, int], Cell]


def table(config: Config, cells: Cells) -> str:
    """The methods' rows, mean and deviation over seeds, beside the papers'."""
    accuracies: dict[MethodName, list[float]] = {
        method: [cells[method, seed].result["target_accuracy"] for seed in config.seeds]
        for method in config.methods
    }
    means = {method: float(np.mean(values)) for method, values in accuracies.items()}
    papers = papers_of(config.pair)
    rows = [
        [
            METHODS[method].title,
            mean_std(values),
            averaged_column([cells[method, seed].result for seed in config.seeds]),
            gap_column(method, means),
            *(published(config.pair, method, paper) for paper in papers),
        ]
        for method, values in accuracies.items()
    ]
    header = ["method", "target accuracy", "weights averaged", "gap closed"]
    return console_table([*header, *papers], rows)


def run_cells(config: Config, problem: Problem) -> Cells:
    """Every method from every seed, and the source-only runs that some start from."""
    cells: Cells = {}
    programs: dict[MethodName, Program] = {}

    def program(method: MethodName) -> Program:
        if method not in programs:
            programs[method] = build(config, problem, method)
        return programs[method]

    def source_of(method: MethodName, seed: int) -> Cell | None:
        return run("source", seed) if METHODS[method].from_source else None

    def run(method: MethodName, seed: int) -> Cell:
        if (method, seed) not in cells:
            source = source_of(method, seed)
            if method == "sa" and source is not None:
                cells[method, seed] = aligned_cell(config, problem, seed, source)
            else:
                cells[method, seed] = trained_cell(
                    config, problem, program(method), method, seed, source
                )
        return cells[method, seed]

    def run_together(method: MethodName) -> None:
        if METHODS[method].from_source:
            run_together("source")
        if METHODS[method].recipe is not None:
            sources = {seed: source_of(method, seed) for seed in config.seeds}
            train_together(config, problem, program(method), method, sources)

    for method in config.methods:
        if config.together:
            run_together(method)
        for seed in config.seeds:
            run(method, seed)
    return cells


def main(config: Config) -> Cells:
    """Run the cells of a call, print their table and write their figures."""
    prepare_process(config.parallel)
    pair = PAIRS[config.pair]
    print(f"{config.pair}: loading {pair.source}, {pair.target} and {pair.target_test}")
    problem = Problem.load(pair, config.data_root)
    print(
        f"{len(problem.source):,} labelled source images, {len(problem.target):,} target images "
        f"without labels, {len(problem.test):,} target test images; "
        f"{pair.net} net ({config.net}), batch {config.batch} a domain"
    )
    cells = run_cells(config, problem)
    written = figures(
        config, problem, {method: cells[method, config.seeds[0]] for method in config.methods}
    )
    print(f"\n{config.pair}, {config.net} net, last step\n")
    print(table(config, cells))
    print(f"\nresults: {config.out}/{config.pair}-{config.net}-*/result.json")
    print(f"figures: {', '.join(str(path) for path in written)}")
    return cells


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
