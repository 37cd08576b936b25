"""Time the choice of C against the number of examples, in memory or on disk; no rival.

    python -m experiments.throughput.probe_size
    python -m experiments.throughput.probe_size --examples 1000000 --folds 1 --on-disk

The first takes a few minutes on two cores and tells the exponent of time in the examples, above as
many as there are dimensions. The second writes a million features of 512 dimensions to a temporary
folder (1 GB), in half precision as caches of features are, and chooses C on one split from the
mapped file; `--folds 1` trains on four fifths and validates on the rest.

Features are drawn as those of `probe`. Every size is fitted in a process of its own, whose peak of
memory is told; `--repeats 2` takes the second of two runs, whose programs are compiled.

The numbers go to experiments/results/benchmark_probe_size/, from where
`python -m experiments.report` writes the page of throughput. Nothing else should run meanwhile.
"""

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np

from experiments.command import run_command
from experiments.throughput.interleaved import apart, keep
from experiments.throughput.probe import FITS, Config as Drawn, drawn_features, peak_bytes
from experiments.throughput.rows import probe_size_rows
from jtransfer.data.splits import stratified_folds
from jtransfer.measure import console_table
from jtransfer.measure.cost_curve import power_law
from jtransfer.recipes.features.layer_probe import PENALTIES
from jtransfer.recipes.features.scaling import scaled
from jtransfer.train.provenance import provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.penalty_path import Kind
from jtransfer.transfer.features.probe import cross_validate


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    examples: tuple[int, ...] = (10_000, 20_000, 40_000)  # how many, one size after the other
    dims: int = 512  # dimensions of the features
    classes: int = 20  # how many there are
    folds: int = 2  # folds of the cross-validation; 1 for one split
    penalties: tuple[float, ...] = PENALTIES  # values of C
    repeats: int = 1  # runs of each, of which the last is timed
    on_disk: bool = False  # keep the features in a file, mapped into memory
    out: Path = Path("experiments/results/benchmark_probe_size")  # where the numbers go


def written(config: Config, examples: int, file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, dims] in a file, mapped, and labels [n]; a class at a time in memory."""
    each, means = examples // config.classes, np.random.default_rng(0)
    features = np.lib.format.open_memmap(file, "w+", np.float16, (examples, config.dims))
    for label in range(config.classes):
        random = np.random.default_rng([1, label])
        mean = means.normal(size=config.dims).astype(np.float32)
        drawn = random.standard_normal((each, config.dims), np.float32)
        rows = slice(label * each, (label + 1) * each)
        features[rows] = scaled(np.maximum(0.3 * mean - 0.5 + drawn, 0))
    features.flush()
    return np.load(file, mmap_mode="r"), np.repeat(np.arange(config.classes), each)


def seconds_of(config: Config, examples: int, kind: Kind) -> dict[str, float]:
    """Of choosing C and the last fit, the largest excess, and the peak of this process."""
    # As in `probe`.
    prepare_process(keep_freed=False)
    with TemporaryDirectory() as folder:
        if config.on_disk:
            features, labels = written(config, examples, Path(folder) / "features.npy")
        else:
            each = examples // config.classes
            drawn = Drawn(classes=config.classes, dims=config.dims, train=each)
            features, labels = drawn_features(drawn)
        names = [str(label) for label in range(config.classes)]
        parts = config.folds if config.folds > 1 else 5
        folds = stratified_folds(labels, parts, seed=0, classes=names)
        seconds, excess = 0.0, 0.0
        for _ in range(config.repeats):
            began = time.perf_counter()
            choice = cross_validate(
                features,
                labels,
                config.penalties,
                folds[: config.folds],
                kind=kind,
                classes=config.classes,
            )
            jax.block_until_ready(choice.probe.weights)
            seconds, excess = time.perf_counter() - began, choice.excess
        return {"seconds": seconds, "excess": excess, "peak_bytes": peak_bytes()}


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    measured: dict[str, list[dict[str, float]]] = {}
    for kind in FITS:
        measured[kind] = []
        for examples in config.examples:
            measured[kind].append(apart(seconds_of, config, examples, kind))
            print(f"{kind}, {examples:,}: {measured[kind][-1]['seconds']:.1f} s", flush=True)
    result: dict[str, Any] = {
        "experiment": "benchmark_probe_size",
        "date": str(date.today()),
        **{name: getattr(config, name) for name in ("dims", "classes", "folds", "on_disk")},
        **{name: list(getattr(config, name)) for name in ("examples", "penalties")},
        "repeats": config.repeats,
        "measured": measured,
        "exponents": {
            kind: power_law(config.examples, [each["seconds"] for each in sizes])[1]
            for kind, sizes in measured.items()
            if len(sizes) > 1
        },
        "made_by": apart(provenance),
    }
    print(console_table(*probe_size_rows(result)))
    where = "disk" if config.on_disk else "memory"
    sizes = "-".join(map(str, config.examples))
    keep(config.out, f"{where}_{sizes}x{config.dims}", result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
