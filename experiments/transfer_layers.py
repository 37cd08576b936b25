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

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from tyro.conf import OmitArgPrefixes

from experiments.command import run_command
from experiments.labelled import Learner, train_source
from experiments.layer_tasks import TASKS, Half, Problem
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.nets.classifier import Classifier
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.layers import copy_layers, first_layers, layer_names
from jtransfer.transfer.finetuning.regimes import freezing

Kind = Literal["BnB", "BnB+", "AnB", "AnB+"]
KINDS: tuple[Kind, ...] = ("BnB", "BnB+", "AnB", "AnB+")


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (kind, number of layers) is one cell."""

    task: Literal["digits", "signs"] = "digits"  # the data set whose classes are split
    kinds: tuple[Kind, ...] = KINDS  # lines of the figure
    seeds: tuple[int, ...] = (0,)  # of the split, the initial parameters and the order
    steps: int | None = None  # of every net's training, instead of the task's
    batch: int = 32  # images in a step
    rate: float = 0.02  # at the start, falling to 0 as a cosine
    momentum: float = 0.9  # of stochastic gradient descent
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/transfer_layers")  # one folder a cell, and the figure

    @property
    def total_steps(self) -> int:
        """Training steps of every net."""
        return self.steps or TASKS[self.task].steps


@dataclass(frozen=True)
class Split:
    """One random split and the nets that were trained on its halves.

    Attributes:
      seed: of the split.
      half_b: the task that is transferred to.
      bases: variables of the nets of A and B.
      accuracy: of B's net on B's test images.
    """

    seed: int
    half_b: Half
    bases: Mapping[str, Any]
    accuracy: float


def settings_of(config: Config, problem: Problem) -> dict[str, Any]:
    """What all nets' results depend on."""
    return {
        "experiment": "transfer_layers",
        "task": config.task,
        "steps": config.total_steps,
        "batch": config.batch,
        "rate": config.rate,
        "momentum": config.momentum,
        "data": {part: getattr(problem, part).fingerprint() for part in ("train", "test")},
    }


def fresh_variables(net: Classifier, problem: Problem, *, seed: int) -> dict[str, Any]:
    """Newly initialised parameters."""
    return dict(net.init(jax.random.key(seed), jnp.zeros((1, *problem.train.images.shape[1:]))))


def learner_of(config: Config, problem: Problem, frozen: tuple[str, ...]) -> Learner:
    """The program of all nets with these layers frozen."""
    net = TASKS[config.task].net(classes=problem.classes)
    return Learner.build(
        net,
        fresh_variables(net, problem, seed=0)["params"],
        freezing(layer_names(net), frozen, steps=config.total_steps),
        problem.transform,
        batch=config.batch,
        momentum=config.momentum,
        mesh=config.parallel.mesh,
    )


def on_device(problem: Problem, half: Half) -> dict[str, jax.Array]:
    """All training images, with the labels of one half."""
    return {"image": jnp.asarray(problem.train.images), "label": jnp.asarray(half.labels)}


def train_bases(config: Config, problem: Problem, learner: Learner, seed: int) -> Split:
    """Train a net on each half of a split, or take it from its checkpoint."""
    net, halves = TASKS[config.task].net(classes=problem.classes), problem.halves(seed)
    bases: dict[str, Any] = {}
    accuracies: dict[str, float] = {}
    for name, half in zip("AB", halves, strict=True):

        def measure(state: TrainState, half: Half = half) -> dict[str, float]:
            return {"accuracy": learner.accuracy(state, half.test_images, half.test_labels)}

        # Different seeds: B's own net must not start as A's did.
        number = 2 * seed + "AB".index(name)
        state, result = train_source(
            learner,
            config.out / f"{config.task}-base{name}-{config.total_steps}-seed{seed}",
            {**settings_of(config, problem), "kind": f"base{name}", "seed": seed},
            fresh_variables(net, problem, seed=number),
            on_device(problem, half),
            half.positions,
            rate=config.rate,
            seed=number,
            measure=measure,
        )
        bases[name] = {"params": state.params, **state.stats}
        accuracies[name] = result["accuracy"]
    return Split(seed, halves[1], bases, accuracies["B"])


def run_cell(
    config: Config, problem: Problem, learner: Learner, splits: list[Split], kind: Kind, count: int
) -> dict[str, Any]:
    """Copy the first `count` layers and train on B, for every split, unless that was done."""
    seeds = "-".join(map(str, config.seeds))
    name = f"{config.task}-{kind}-{count}-{config.total_steps}-seeds{seeds}"
    settings = {
        **settings_of(config, problem),
        "kind": kind,
        "layers": count,
        "seeds": list(config.seeds),
    }
    folder = RunFolder(config.out / name, settings)
    result = folder.result()
    if result is None:
        net = TASKS[config.task].net(classes=problem.classes)
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
                variables, on_device(problem, half), half.positions, rate=config.rate, seed=number
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
    problem = Problem.load(task, config.data_root)
    print(
        f"{config.task}: {len(problem.train):,} training and {len(problem.test):,} test images, "
        f"{problem.classes} classes in each half"
    )
    everything = learner_of(config, problem, ())
    splits = [train_bases(config, problem, everything, seed) for seed in config.seeds]
    net = task.net(classes=problem.classes)
    counts = [*range(1, len(net.trunk.stage_names) + 1)]
    cells: dict[tuple[Kind, int], Any] = {}
    for count in counts:
        frozen = learner_of(config, problem, first_layers(net, count))
        for kind in config.kinds:
            learner = everything if kind.endswith("+") else frozen
            cells[kind, count] = run_cell(config, problem, learner, splits, kind, count)
    path = figure(config, counts, cells)
    print(f"\n{task.data}, accuracy on B\n\n{table(config, counts, cells)}")
    print(f"\nresults: {config.out}/{config.task}-*/result.json\nfigure: {path}")
    return cells


if __name__ == "__main__":
    run_command(main, Config, __doc__)
