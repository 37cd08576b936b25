"""Unsupervised domain adaptation on digits and signs: the whole table.

Methods: source only, SA (Fernando et al. 2013), DANN (Ganin et al. 2016), the same with weighted
classes (Tachet des Combes et al. 2020), ADDA (Tzeng et al. 2017), image translation (Murez et al.
2018), a mean teacher, mostly beside DANN's adversary (French et al. 2018, Berthelot et al. 2022),
train on target. By `--methods` also Deep CORAL, DAN, JAN, DeepJDOT, AFN, MCC, MDD, CDAN, CDAN+E,
self-training, SHOT and TENT, with their papers' settings (docs/adaptation_methods.md).
Reproduces the table of Ganin & Lempitsky (ICML 2015, Table 1; JMLR 2016, Table 2), accuracy on the
target's test set; for MNIST -> MNIST-M:

    method           ICML    JMLR
    source only      .5749   .5225
    SA               .6078   .5690
    DANN             .8149   .7666
    train on target  .9891   .9596

Nothing to download, digits drawn from fonts -> such digits on photographs, made as MNIST-M is; a
few minutes on two cores for the four methods of `make demo`, and drawn numbers -> real handwriting:

    python -m experiments.adapt_digits --methods source dann teacher target
    python -m experiments.adapt_digits --pair numbers-digits

A pair of the table with three seeds (measured numbers and times: BENCHMARKS.md), and one cell:

    python -m experiments.adapt_digits --pair mnist-mnist_m --seeds 0 1 2
    python -m experiments.adapt_digits --pair mnist-mnist_m --methods teacher --seeds 1

`--net augmented` gives the other methods the mean teacher's images, each standardised and, in
training, changed at random (image translation's stay in 0..1 and are mapped only):

    python -m experiments.adapt_digits --pair signs-gtsrb --net augmented

`--architecture` takes another of the papers' nets than the pair's, and `--width` a share of its
channels:

    python -m experiments.adapt_digits --pair svhn10k-mnist --architecture mnist --net augmented

SA and ADDA start from the source-only run of the same seed, which is run first. A finished cell is
not run again; an interrupted one goes on from its last checkpoint. With `--together` all seeds of a
method train in one program, which on an accelerator takes little longer than one of them:

    python -m experiments.adapt_digits --pair mnist-mnist_m --seeds 0 1 2 3 4 --together
"""

import numpy as np

from experiments.adapt_digits.config import Config
from experiments.adapt_digits.figures import figures
from experiments.adapt_digits.pairs import PAIRS
from experiments.adapt_digits.setup import conduct_of, options_of, problem_of
from experiments.adapt_digits.table import averaged_column, gap_column
from experiments.command import run_command
from experiments.published import papers_of, published
from jtransfer.measure import console_table, mean_std
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.run_methods import Runs, run_methods
from jtransfer.train.runtime import prepare_process


def table(config: Config, runs: Runs) -> str:
    """The methods' rows, mean and deviation over seeds, beside the papers'."""
    accuracies = {
        method: [runs[method, seed].result["target_accuracy"] for seed in config.seeds]
        for method in config.methods
    }
    means = {method: float(np.mean(values)) for method, values in accuracies.items()}
    papers = papers_of(config.pair)
    rows = [
        [
            METHODS[method].title,
            mean_std(values),
            averaged_column([runs[method, seed].result for seed in config.seeds]),
            gap_column(method, means),
            *(published(config.pair, method, paper) for paper in papers),
        ]
        for method, values in accuracies.items()
    ]
    header = ["method", "target accuracy", "weights averaged", "gap closed"]
    return console_table([*header, *papers], rows)


def main(config: Config) -> Runs:
    """Run the cells of a call, print their table and write their figures."""
    prepare_process(config.parallel)
    pair = PAIRS[config.pair]
    print(f"{config.pair}: loading {pair.source}, {pair.target} and {pair.target_test}")
    problem = problem_of(pair, config.data_root)
    print(
        f"{len(problem.source):,} labelled source images, {len(problem.target):,} target images "
        f"without labels, {len(problem.test):,} target test images; "
        f"{config.layers} net ({config.net}), batch {config.batch} a domain"
    )
    runs = run_methods(
        problem,
        config.methods,
        options=options_of(config),
        conduct=conduct_of(config),
        seeds=config.seeds,
        together=config.together,
    )
    shown = {method: runs[method, config.seeds[0]] for method in config.methods}
    written = figures(config, problem, shown)
    print(f"\n{config.pair}, {config.net} net, last step\n")
    print(table(config, runs))
    print(f"\nresults: {config.out}/{config.title}-*/result.json")
    print(f"figures: {', '.join(str(path) for path in written)}")
    return runs


if __name__ == "__main__":
    run_command(main, Config, __doc__)
