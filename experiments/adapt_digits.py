"""Unsupervised domain adaptation on digits: source only, DANN, train on target.

Reproduces the table of Ganin & Lempitsky (ICML 2015, Table 1; JMLR 2016, Table 2), accuracy on the
target's test set:

    method           MNIST -> MNIST-M
    source only      .5749 (ICML)  .5225 (JMLR)
    DANN             .8149         .7666
    train on target  .9891         .9596

The demo (nothing to download; drawn digits -> real handwriting; some 3 minutes on two cores):

    python -m experiments.adapt_digits

MNIST -> MNIST-M on the real sets, three seeds (measured numbers and times: BENCHMARKS.md):

    python -m experiments.adapt_digits --pair mnist-mnist_m --net paper --seeds 0 1 2
    python -m experiments.adapt_digits --pair mnist-mnist_m --net normed --seeds 0 1 2

A finished cell is not run again; an interrupted one goes on from its last checkpoint.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

from experiments.domain_pairs import METHODS, PAIRS, Problem, gap_column
from experiments.published import DOMAIN_ADAPTATION
from jtransfer.measure import (
    Embedding,
    accuracy,
    confusion_figure,
    confusion_matrix,
    console_table,
    curves_figure,
    embedding_figure,
    mean_per_class_accuracy,
    mean_std,
    proxy_a_distance,
    samples_figure,
)
from jtransfer.nets.ganin import GANIN_NETS, AdaptationNet
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep, compile_step
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.runtime import prepare_process
from jtransfer.train.schedules import inverse_decay, sigmoid_ramp
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.dann import dann_loss
from jtransfer.transfer.parameter_groups import ParameterGroups, parameter_groups
from jtransfer.transfer.supervised import supervised_loss

Method = Literal["source", "dann", "target"]
# What the net adds to the paper's: nothing, or batch norm per domain and dropout of whole maps.
NETS: dict[str, dict[str, Any]] = {"paper": {}, "normed": {"norm": True, "dropout": 0.5}}
FEATURE_SAMPLE = 1000  # images a domain for the proxy A-distance and the embedding


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (method, seed) is one cell."""

    pair: Literal["numbers-digits", "mnist-mnist_m"] = "numbers-digits"  # source-target
    methods: tuple[Method, ...] = ("source", "dann", "target")  # rows of the table
    seeds: tuple[int, ...] = (0,)  # of initial parameters, order of the examples and dropout
    net: Literal["paper", "normed"] = "normed"  # the paper's net, or with batch norm and dropout
    preset: Literal["small", "paper"] = "small"  # number of steps: for two cores, or accelerators
    steps: int | None = None  # training steps, instead of the preset's
    batch: int = 64  # images of each domain in a step
    rate: float | None = None  # at the start, instead of the pair's; falls as 1 / (1 + 10 p)^0.75
    momentum: float = 0.9  # of stochastic gradient descent
    gamma: float = 10.0  # steepness of the ramp of lambda, 2 / (1 + exp(-gamma p)) - 1
    evaluate_every: int = 500  # steps between looks at the test set, which decide nothing
    checkpoint_every: int = 500  # steps between checkpoints
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/adapt_digits")  # one folder a cell, and the figures

    @property
    def total_steps(self) -> int:
        """Training steps of a cell."""
        return self.steps or PAIRS[self.pair].steps[self.preset]

    @property
    def first_rate(self) -> float:
        """Learning rate at the start of a cell."""
        return self.rate or PAIRS[self.pair].rate


@dataclass(frozen=True)
class Program:
    """A method, compiled: all its seeds share it."""

    net: AdaptationNet
    optimizer: optax.GradientTransformation
    groups: ParameterGroups
    step: CompiledStep
    predict: Callable[[TrainState, jax.Array], jax.Array]
    source_features: Callable[[TrainState, jax.Array], jax.Array]
    target_features: Callable[[TrainState, jax.Array], jax.Array]


@dataclass(frozen=True)
class Cell:
    """A finished run."""

    result: dict[str, Any]
    records: list[dict[str, Any]]
    state: TrainState
    program: Program


def build(config: Config, problem: Problem, method: Method) -> Program:
    """Put net, loss, optimizer and data together and compile the step."""
    net = GANIN_NETS[PAIRS[config.pair].net](
        classes=len(problem.source.classes), **NETS[config.net]
    )
    steps = config.total_steps
    # Batch norm keeps statistics of domain 0, the source, and 1, the target; a net that was trained
    # on one of them alone has only that one's.
    source_domain = 1 if method == "target" else 0
    target_domain = 0 if method == "source" else 1
    loss = {
        "source": supervised_loss(net, domain="source", domain_index=0),
        "dann": dann_loss(net, reversal=partial(sigmoid_ramp, gamma=config.gamma)),
        "target": supervised_loss(net, domain="target", domain_index=1),
    }[method]
    variables = initial_variables(net, problem, seed=0)
    groups = parameter_groups(variables["params"], {".*": "full"})
    base = optax.sgd(inverse_decay(config.first_rate, total_steps=steps), momentum=config.momentum)
    optimizer = groups.optimizer(base)
    step = make_step(loss, optimizer, total_steps=steps, trainable=groups.trainable)
    gather = problem.feed(method, batch=config.batch, seed=0).gather

    def apply(
        state: TrainState, images: jax.Array, name: str, domain: int, method: str = "features"
    ) -> Any:
        variables = {"params": state.params, **state.stats}
        transform = problem.source_transform if name == "source" else problem.target_transform
        return net.apply(variables, transform(images), domains=(domain,), method=method)

    def predict(state: TrainState, images: jax.Array) -> jax.Array:
        return apply(state, images, "target", target_domain, "predict").argmax(axis=-1)

    return Program(
        net,
        optimizer,
        groups,
        compile_step(step, gather),
        jax.jit(predict),
        jax.jit(partial(apply, name="source", domain=source_domain)),
        jax.jit(partial(apply, name="target", domain=target_domain)),
    )


def initial_variables(net: AdaptationNet, problem: Problem, *, seed: int) -> Any:
    """Parameters and statistics before training."""
    blank = jnp.zeros((1, *problem.source.images.shape[1:]))
    return net.init(jax.random.key(seed), blank)


def cell_settings(config: Config, problem: Problem, method: Method, seed: int) -> dict[str, Any]:
    """All that a cell's result depends on."""
    shared = ("pair", "net", "preset", "batch", "momentum", "gamma")
    return {
        "experiment": "adapt_digits",
        **{key: getattr(config, key) for key in shared},
        "rate": config.first_rate,
        "steps": config.total_steps,
        "method": method,
        "seed": seed,
        "data": {
            part: getattr(problem, part).fingerprint() for part in ("source", "target", "test")
        },
    }


def run_cell(config: Config, problem: Problem, program: Program, method: Method, seed: int) -> Cell:
    """Train a method from a seed, or take up where an earlier call stopped."""
    steps = config.total_steps
    name = f"{config.pair}-{config.net}-{method}-{steps}-seed{seed}"
    settings = cell_settings(config, problem, method, seed)
    folder = RunFolder(config.out / name, settings)
    variables = initial_variables(program.net, problem, seed=seed)
    state = TrainState.create(variables, program.optimizer, rng=jax.random.key(seed + 1))
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        result = folder.result()
        if result is not None:
            print(f"{name}: finished before, accuracy {result['target_accuracy']:.4f}")
            return Cell(result, read_records(folder.metrics_file), state, program)
        moving, frozen = program.groups.count(state.params)
        start = int(state.step)
        print(
            f"{name}: {moving:,} parameters moving, {frozen:,} frozen; "
            + (f"going on from step {start:,}" if start else f"{steps:,} steps")
        )
        feed = problem.feed(method, batch=config.batch, seed=seed)
        started = time.perf_counter()
        with RunLog(
            folder.metrics_file,
            name=name,
            total_steps=steps,
            first_step=start,
            examples_per_step=feed.examples_per_step,
        ) as log:
            state = fit(
                program.step,
                state,
                feed,
                steps=steps,
                log=log,
                evaluate=lambda state: {
                    "target_accuracy": accuracy(guess(problem, program, state), problem.test.labels)
                },
                evaluate_every=config.evaluate_every,
                checkpoints=checkpoints,
                checkpoint_every=config.checkpoint_every,
            )
        seconds = time.perf_counter() - started
    guesses, labels = guess(problem, program, state), problem.test.labels
    result = folder.write_result(
        {
            **settings,
            "target_accuracy": accuracy(guesses, labels),
            "target_mean_per_class_accuracy": mean_per_class_accuracy(
                guesses, labels, len(problem.test.classes)
            ),
            "proxy_a_distance": proxy_a_distance(
                *features(problem, program, state, "train"), seed=seed
            ),
            "chosen_by": "last step",
            "test_images": len(labels),
            "parameters": moving + frozen,
            "started_at_step": start,
            "seconds": round(seconds, 1),
        }
    )
    return Cell(result, read_records(folder.metrics_file), state, program)


def guess(problem: Problem, program: Program, state: TrainState) -> np.ndarray:
    """Predicted classes of the target's test images: [n]."""
    return map_batches(partial(program.predict, state), problem.test.images)


def features(
    problem: Problem, program: Program, state: TrainState, split: Literal["train", "test"]
) -> tuple[np.ndarray, np.ndarray]:
    """Trunk features of a sample of each domain: [FEATURE_SAMPLE or fewer, features]."""
    target = problem.target if split == "train" else problem.test
    return (
        map_batches(
            partial(program.source_features, state), problem.source.images[:FEATURE_SAMPLE]
        ),
        map_batches(partial(program.target_features, state), target.images[:FEATURE_SAMPLE]),
    )


def table(config: Config, cells: dict[tuple[Method, int], Cell]) -> str:
    """The methods' rows, mean and deviation over seeds, beside the papers'."""
    accuracies = {
        method: [cells[method, seed].result["target_accuracy"] for seed in config.seeds]
        for method in config.methods
    }
    means = {method: float(np.mean(values)) for method, values in accuracies.items()}
    published = DOMAIN_ADAPTATION.get(config.pair, {})
    papers = list(next(iter(published.values()), {}))
    rows = [
        [
            METHODS[method],
            mean_std(values),
            gap_column(method, means),
            *(f"{published[method][paper]:.4f}" for paper in papers),
        ]
        for method, values in accuracies.items()
    ]
    return console_table(["method", "target accuracy", "gap closed", *papers], rows)


def figures(config: Config, problem: Problem, cells: dict[tuple[Method, int], Cell]) -> list[Path]:
    """Write the pictures of the first seed's runs."""
    seed = config.seeds[0]
    title = f"{problem.source.name} → {problem.target.name}"
    folder = config.out / f"{config.pair}-{config.net}-figures"
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.png" for name in ("samples", "curves")}
    samples_figure(
        {
            f"source: {problem.source.name}": (problem.source.images, problem.source.labels),
            f"target: {problem.target.name}": (problem.target.images, problem.target.labels),
        },
        files["samples"],
        classes=problem.source.classes,
        title=title,
    )
    runs = {METHODS[method]: cells[method, seed] for method in config.methods}
    curves_figure(
        {name: cell.records for name, cell in runs.items()},
        files["curves"],
        left=("target_accuracy",),
        right=("reversal",) if "dann" in config.methods else (),
        title=f"{title}: accuracy on the target's test set, seed {seed}",
    )
    panels = {}
    for name, cell in runs.items():
        files[f"confusion-{name}"] = folder / f"confusion-{name.replace(' ', '_')}.png"
        guesses = guess(problem, cell.program, cell.state)
        confusion_figure(
            confusion_matrix(guesses, problem.test.labels, len(problem.test.classes)),
            problem.test.classes,
            files[f"confusion-{name}"],
            title=f"{title}: {name}",
        )
        if name != METHODS["target"]:
            source, target = features(problem, cell.program, cell.state, "test")
            moment = "before" if name == METHODS["source"] else "after"
            panels[f"{moment} ({name})"] = Embedding(
                source,
                target,
                problem.source.labels[: len(source)],
                problem.test.labels[: len(target)],
            )
    if panels:
        files["embedding"] = folder / "embedding.png"
        embedding_figure(panels, files["embedding"], title=f"{title}: trunk features")
    return list(files.values())


def main(config: Config) -> dict[tuple[Method, int], Cell]:
    """Run the cells of a call, print their table and write their figures."""
    prepare_process()
    pair = PAIRS[config.pair]
    print(f"{config.pair}: loading {pair.source}, {pair.target} and {pair.target_test}")
    problem = Problem.load(pair, config.data_root)
    print(
        f"{len(problem.source):,} labelled source images, {len(problem.target):,} target images "
        f"without labels, {len(problem.test):,} target test images; "
        f"{pair.net} net ({config.net}), batch {config.batch} a domain"
    )
    cells: dict[tuple[Method, int], Cell] = {}
    for method in config.methods:
        program = build(config, problem, method)
        for seed in config.seeds:
            cells[method, seed] = run_cell(config, problem, program, method, seed)
    written = figures(config, problem, cells)
    print(f"\n{config.pair}, {config.net} net, {config.total_steps:,} steps, last step\n")
    print(table(config, cells))
    print(f"\nresults: {config.out}/{config.pair}-{config.net}-*/result.json")
    print(f"figures: {', '.join(str(path) for path in written)}")
    return cells


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
