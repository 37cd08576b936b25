"""Fine-tuning: who may move, against the number of labelled images of the target.

A net is trained on a source, its trunk is carried over, a new head is put on it, and the regimes of
`jtransfer.transfer.regimes` train it on 1, 5, 10, 50 labelled images a class of the target, and on
all. There is no published table of just these digits to stand beside; what is expected: carried
over, the trunk beats a net trained from scratch clearly where labels are few, and all regimes meet
where labels are plenty.

With nothing downloaded (drawn numbers -> real handwriting, some 5 minutes on one core):

    python -m experiments.fine_tune

MNIST -> USPS on the real sets, three seeds (some 25 minutes on one core; measured: BENCHMARKS.md):

    python -m experiments.fine_tune --pair mnist-usps --seeds 0 1 2

The seeds draw the labelled images, the new head (from scratch: the net) and the order. The learning
rate of each cell is chosen on a fifth of its labelled images, held out, and never by the test set;
with fewer than 5 a class there is nothing to hold out, and it is the first one. A finished cell is
not run again.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from experiments.digit_net import SIZE, digit_net
from experiments.labelled import Learner, choose_rate, on_target, train_source
from jtransfer.data import Examples, images, load, require_same_classes
from jtransfer.data.resident import Transform, centred, channel_means
from jtransfer.data.splits import per_class_split
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.nets.classifier import Classifier
from jtransfer.train.evaluation import map_batches
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss
from jtransfer.transfer.finetune import (
    initial_variables,
    probe_head,
    require_every_class,
    without_trunk,
)
from jtransfer.transfer.l2_sp import l2_sp, with_start
from jtransfer.transfer.layers import layer_names
from jtransfer.transfer.regimes import Regime, plan

RowName = Literal[
    "scratch",
    "frozen",
    "frozen_deep",
    "slow_trunk",
    "full",
    "layerwise",
    "gradual",
    "lp_ft",
    "l2_sp",
]


@dataclass(frozen=True)
class Row:
    """A row of the table: a regime, a head, perhaps the penalty."""

    name: str
    regime: Regime
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    penalty: bool = False


ROWS: dict[RowName, Row] = {
    "scratch": Row("from scratch", "scratch"),
    "frozen": Row("frozen, linear head", "frozen"),
    "frozen_deep": Row("frozen, small deep head", "frozen", hidden=(100,), dropout=0.5),
    "slow_trunk": Row("trunk at a tenth", "slow_trunk"),
    "full": Row("everything", "full"),
    "layerwise": Row("rate / 2.6 a layer", "layerwise"),
    "gradual": Row("gradual unfreezing", "gradual"),
    "lp_ft": Row("probe first (LP-FT)", "lp_ft"),
    "l2_sp": Row("everything, L2-SP", "full", penalty=True),
}


@dataclass(frozen=True)
class Pair:
    """A source and a target that share the size of their images.

    Attributes:
      source: name of the labelled source.
      target: name of the target.
      source_steps: of the source net's training.
      steps: of a run on some labelled images of the target.
      steps_all: of a run on all of them.
      seen: what was decided after a look at the target's test accuracy, for the report.
    """

    source: str
    target: str
    source_steps: int
    steps: int
    steps_all: int
    seen: str


PAIRS = {
    "numbers-digits": Pair(
        source="synthetic:numbers",
        target="sklearn:digits",
        source_steps=2000,
        steps=200,
        steps_all=400,
        seen="nothing",
    ),
    "mnist-usps": Pair(
        source="idx:mnist",
        target="npz:usps",
        source_steps=2000,
        steps=300,
        steps_all=1500,
        seen="the rates to choose from, widened downwards after one trial of 100 steps with one "
        "seed",
    ),
}


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
    rates: tuple[float, ...] = (
        0.01,
        0.003,
        0.03,
        0.1,
    )  # to choose from; the first where nothing can be
    momentum: float = 0.9  # of stochastic gradient descent
    alpha: float = 0.1  # of L2-SP, on the trunk
    beta: float = 0.01  # of L2-SP, on the head
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/fine_tune")  # one folder a cell, and the figure

    def steps_for(self, each: int) -> int:
        """Training steps of a cell."""
        pair = PAIRS[self.pair]
        return self.steps or (pair.steps if each else pair.steps_all)


@dataclass(frozen=True)
class Problem:
    """A pair's images at one size.

    Attributes:
      source: the source's training examples.
      source_test: the source's test examples.
      target: the target's training examples, of which some are labelled.
      test: the target's test examples.
    """

    source: Examples
    source_test: Examples
    target: Examples
    test: Examples

    @classmethod
    def load(cls, pair: Pair, data_root: Path | None) -> "Problem":
        """Load a pair and fit the images to [n, SIZE, SIZE, channels of the source]."""
        loaded = [
            load(name, split, data_root=data_root)
            for name in (pair.source, pair.target)
            for split in ("train", "test")
        ]
        channels = loaded[0].images.shape[-1]
        problem = cls(*(images.fit(each, size=SIZE, channels=channels) for each in loaded))
        require_same_classes(problem.source, problem.target)
        return problem

    @property
    def transform(self) -> Transform:
        """Centre by the mean of the source, as the trunk was trained."""
        return centred(channel_means(self.source.images))

    def labelled(self, each: int, seed: int) -> np.ndarray:
        """Positions of `each` images a class of the target's training set, or of all for 0."""
        labels, classes = self.target.labels, self.target.classes
        if each == 0:
            require_every_class(labels, classes)
            return np.arange(len(labels))
        return per_class_split(labels, train=each, seed=seed, classes=classes)[0]


@dataclass(frozen=True)
class Bench:
    """What all cells share.

    Attributes:
      problem: the images.
      source: variables of the net trained on the source.
      features: the source trunk's features of the target's training and test images, [n, dims].
      settings: of the source net, all that it depends on.
    """

    problem: Problem
    source: Mapping[str, Any]
    features: tuple[np.ndarray, np.ndarray]
    settings: dict[str, Any]


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
            part: getattr(problem, part).fingerprint() for part in ("source", "target", "test")
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
    )
    state = train_source(
        learner,
        config.out / f"{config.pair}-source-{steps}",
        {"experiment": "fine_tune", "row": "source", **settings},
        variables,
        problem.source,
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


def fresh_variables(net: Classifier, problem: Problem, *, seed: int) -> dict[str, Any]:
    """Newly initialised parameters."""
    return dict(net.init(jax.random.key(seed), jnp.zeros((1, *problem.source.images.shape[1:]))))


@dataclass(frozen=True)
class Trainer:
    """A row's net and program, on images or, with a frozen trunk, on its features."""

    config: Config
    bench: Bench
    row: Row
    net: Classifier
    learner: Learner
    constants: Mapping[str, jax.Array]

    @classmethod
    def build(cls, config: Config, bench: Bench, row: Row, steps: int) -> "Trainer":
        """Put a row's net, regime and loss together."""
        problem = bench.problem
        net = digit_net(classes=len(problem.target.classes), hidden=row.hidden, dropout=row.dropout)
        params = fresh_variables(net, problem, seed=0)["params"]
        cached = row.regime == "frozen"
        trained = without_trunk(net) if cached else net

        def penalised(net: Classifier) -> Loss:
            return l2_sp(on_target(net), alpha=config.alpha, beta=config.beta)

        learner = Learner.build(
            trained,
            {"head": params["head"]} if cached else params,
            plan(row.regime, layer_names(trained), steps=steps),
            None if cached else problem.transform,
            batch=config.batch,
            momentum=config.momentum,
            loss=penalised if row.penalty else on_target,
        )
        pixels = bench.features[0] if cached else problem.target.images
        constants = {"image": jnp.asarray(pixels), "label": jnp.asarray(problem.target.labels)}
        return cls(config, bench, row, net, learner, constants)

    def train(self, positions: np.ndarray, rate: float, seed: int) -> TrainState:
        """Train on the labelled images at `positions` of the target's training set."""
        fresh = fresh_variables(self.net, self.bench.problem, seed=seed)
        head = None
        if self.row.regime == "lp_ft":
            labels = self.bench.problem.target.labels[positions]
            classes = len(self.bench.problem.target.classes)
            head = probe_head(self.bench.features[0][positions], labels, classes=classes)
        if self.row.regime == "frozen":
            variables: dict[str, Any] = {"params": {"head": fresh["params"]["head"]}}
        else:
            variables = initial_variables(self.row.regime, fresh, self.bench.source, head=head)
        if self.row.penalty:
            variables = with_start(variables)
        return self.learner.train(variables, self.constants, positions, rate=rate, seed=seed)

    def validate(self, state: TrainState, positions: np.ndarray) -> float:
        """Accuracy on images of the target's training set."""
        pixels = np.asarray(self.constants["image"])[positions]
        return self.learner.accuracy(state, pixels, self.bench.problem.target.labels[positions])

    def test(self, state: TrainState) -> float:
        """Accuracy on the target's test set."""
        test = self.bench.problem.test
        pixels = self.bench.features[1] if self.row.regime == "frozen" else test.images
        return self.learner.accuracy(state, pixels, test.labels)


def run_cell(config: Config, bench: Bench, trainer: Trainer, row: RowName, each: int) -> Any:
    """Train a row on one number of labelled images from every seed, unless that was done."""
    steps = config.steps_for(each)
    seeds = "-".join(map(str, config.seeds))
    name = f"{config.pair}-{row}-{each or 'all'}-{steps}-seeds{seeds}"
    settings = {
        "experiment": "fine_tune",
        "row": row,
        "each": each,
        "seeds": config.seeds,
        "steps": steps,
        "batch": config.batch,
        "rates": config.rates,
        **({"alpha": config.alpha, "beta": config.beta} if ROWS[row].penalty else {}),
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
    prepare_process()
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
                trainers[steps] = Trainer.build(config, bench, ROWS[row], steps)
            cells[row, each] = run_cell(config, bench, trainers[steps], row, each)
    path = figure(config, cells)
    print(f"\n{pair.source} -> {pair.target}\n\n{table(config, cells)}")
    print(f"\nresults: {config.out}/{config.pair}-*/result.json\nfigure: {path}")
    return cells


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
