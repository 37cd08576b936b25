"""Time a step against its batch, and a probe against its examples, dimensions, classes and Cs.

    make bench                                     (this part: on two cores some 3 minutes)
    python -m experiments.throughput.sizes --repeats 5

The step is DANN's on the MNIST net. The probe is the SVM with C chosen by cross-validation on 5
folds, on drawn features of length 1; one of its sizes is changed at a time, the others stay. Every
time is the median of some calls of the compiled program. A straight line through the logarithms
tells the exponent: 1 where a doubled size takes twice as long.

The numbers go to experiments/results/benchmark_sizes/, the picture to docs/cost.png. Nothing else
should run meanwhile.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import jax

from experiments.command import run_command
from experiments.throughput.interleaved import keep
from experiments.throughput.probe import Config as ProbeConfig, drawn_features
from experiments.throughput.rows import TITLES
from experiments.throughput.timed_steps import TIMED
from jtransfer.data.splits import stratified_folds
from jtransfer.measure import console_table
from jtransfer.measure.cost_curve import cost_figure, power_law
from jtransfer.train.provenance import provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.probe import cross_validate


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark; the probe's sizes are those of the middle of each list."""

    batches: tuple[int, ...] = (8, 16, 32, 64, 128, 256)  # images of each domain in a step
    examples: tuple[int, ...] = (400, 800, 1600, 3200, 6400)  # examples of the probe
    dims: tuple[int, ...] = (250, 500, 1000, 2000, 4000)  # dimensions of the probe's features
    classes: tuple[int, ...] = (5, 10, 20, 40, 80)  # classes of the probe
    penalties: tuple[int, ...] = (1, 2, 4, 8, 16)  # how many values of C, between 1/64 and 256
    repeats: int = 3  # timed calls at each size
    out: Path = Path("experiments/results/benchmark_sizes")  # where the numbers go
    picture: Path = Path("docs/cost.png")  # the figure to draw


def seconds_of(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds of a call, after one that compiles."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def step_seconds(batch: int, repeats: int) -> float:
    """Of a DANN step on `batch` images of each domain."""
    timed = TIMED["dann-mnist"]
    work = timed.build(replace(timed.small, batch=batch))
    state = work.state

    def call() -> None:
        nonlocal state
        state, _ = work.step(state, work.feed.constants, work.feed.inputs(0))
        jax.block_until_ready(state.params)

    return seconds_of(call, repeats)


def probe_seconds(examples: int, dims: int, classes: int, penalties: int, repeats: int) -> float:
    """Of choosing C and the last fit."""
    config = ProbeConfig(classes=classes, dims=dims, train=examples // classes)
    features, labels = drawn_features(config)
    names = [str(label) for label in range(classes)]
    folds = stratified_folds(labels, 5, seed=0, classes=names)
    spread = [4.0 ** (7 * place / max(penalties - 1, 1) - 3) for place in range(penalties)]

    def call() -> None:
        choice = cross_validate(features, labels, spread, folds, kind="svm", classes=classes)
        jax.block_until_ready(choice.probe.weights)

    return seconds_of(call, repeats)


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them, draw them and write them down."""
    prepare_process()
    sizes = {name: getattr(config, name) for name in ("examples", "dims", "classes", "penalties")}
    middle = {name: values[len(values) // 2] for name, values in sizes.items()}
    seconds = {"batch": [step_seconds(batch, config.repeats) for batch in config.batches]}
    print("batch: done", flush=True)
    for name, values in sizes.items():
        seconds[name] = [
            probe_seconds(**{**middle, name: value}, repeats=config.repeats) for value in values
        ]
        print(f"{name}: done", flush=True)
    sizes = {"batch": config.batches, **sizes}
    exponents = {name: power_law(sizes[name], seconds[name])[1] for name in sizes}
    rows = [
        [name, "  ".join(f"{each * 1e3:.0f}" for each in seconds[name]), f"{exponents[name]:.2f}"]
        for name in sizes
    ]
    print(console_table(["size", "milliseconds", "exponent"], rows))
    cost_figure(
        {TITLES[name]: (sizes[name], [1e3 * each for each in seconds[name]]) for name in sizes},
        config.picture,
        ylabel="milliseconds",
        title="Time against size",
    )
    result: dict[str, Any] = {
        "experiment": "benchmark_sizes",
        "date": str(date.today()),
        "sizes": {name: list(values) for name, values in sizes.items()},
        "seconds": seconds,
        "exponents": exponents,
        "probe": middle,
        "repeats": config.repeats,
        "picture": str(config.picture),
        "made_by": provenance(),
    }
    keep(config.out, "drawn", result, config.picture)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
