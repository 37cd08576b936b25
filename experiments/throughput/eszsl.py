"""Time ESZSL's whole grid beside solving the textbook formula point by point with NumPy.

    make bench                                     (this part: on two cores about a minute)
    python -m experiments.throughput.eszsl --data npz:awa1 --data-root DATA

The formula is W = (X X^T + a I)^-1 X Y S^T (S S^T + g I)^-1, for 7 values of a and 7 of g. Ours
takes all 49 W from two eigendecompositions (float64, on the host) and products in float32, in one
process, compilation included, before and after NumPy's turn; the mean counts. numpy.linalg.solve is
given 10 of the 49 in float64, in two ways: as separate solves, each from the data, and with X X^T
and S S^T computed once for all ten, which is the least that separate solves can need. The W of
these ten are compared.

The features are drawn, of the size of AwA1's, or AwA1's own. The numbers go to
experiments/results/benchmark_eszsl/, from where `python -m experiments.report` writes the page of
throughput. Nothing else should run meanwhile.
"""

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import jax
import numpy as np

from experiments.awa1 import load_awa1, rooted
from experiments.command import run_command
from experiments.throughput.interleaved import keep
from jtransfer.measure import console_table
from jtransfer.train.provenance import device_name, provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.zero_shot.eszsl import decompose

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    # features: drawn ones, or those of Animals with Attributes 1
    data: Literal["drawn", "npz:awa1"] = "drawn"
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    examples: int = 24_295  # drawn examples; by default as many as AwA1's images of seen classes
    dims: int = 2252  # dimensions of the drawn features; by default those of rgsift and phog
    attributes: int = 85  # drawn attributes; by default as many as AwA1's
    classes: int = 40  # drawn classes; by default as many as AwA1's seen ones
    points: int = 10  # points of the grid that NumPy solves
    # values of the penalties a and g
    penalties: tuple[float, ...] = tuple(10.0**power for power in range(-3, 4))
    out: Path = Path("experiments/results/benchmark_eszsl")  # where the numbers go


def drawn(config: Config) -> Arrays:
    """Features [n, dims] of length 1 and not negative, labels [n], signatures of length 1."""
    random = np.random.default_rng(0)
    signatures = random.random((config.classes, config.attributes), np.float32)
    labels = np.arange(config.examples) % config.classes
    shown = random.normal(size=(config.attributes, config.dims)).astype(np.float32)
    noise = random.normal(size=(config.examples, config.dims)).astype(np.float32)
    features = np.maximum((signatures @ shown)[labels] / 5 + noise, 0)
    return _unit(features), labels, _unit(signatures)


def awa1(config: Config) -> Arrays:
    """The same of AwA1's seen classes, with continuous attributes."""
    data = load_awa1(config.data_root)
    seen = np.isin(data.labels, data.seen)
    features = rooted(data.features, {"rgsift": 1.0, "phog": 0.5})[seen]
    labels = np.searchsorted(data.seen, data.labels[seen])
    return features, labels, _unit(data.tables["continuous"].complete()[data.seen])


def whole_grid(arrays: Arrays, penalties: tuple[float, ...]) -> tuple[float, np.ndarray]:
    """Seconds of ours, compilation included, and W [a, g, dims, attributes]."""
    jax.clear_caches()
    began = time.perf_counter()
    weights = jax.block_until_ready(decompose(*arrays).weights(penalties, penalties))
    return time.perf_counter() - began, np.asarray(weights)


def textbook(
    arrays: Arrays, points: list[tuple[float, float]], *, shared: bool
) -> tuple[float, list[np.ndarray]]:
    """Seconds of NumPy's solves in float64, and their W [dims, attributes].

    Args:
      arrays: features, labels and signatures.
      points: (a, g) of each.
      shared: whether the products that are the same for all are computed only once.
    """
    features, labels, signatures = arrays
    X, S = features.astype(np.float64), signatures.astype(np.float64)
    Y = np.eye(len(S))[labels]
    found, products = [], None
    began = time.perf_counter()
    for a, g in points:
        if products is None or not shared:
            products = X.T @ X, X.T @ (Y @ S), S.T @ S
        of_features, middle, of_signatures = products
        left = np.linalg.solve(of_features + a * np.eye(len(of_features)), middle)
        right = np.linalg.solve(of_signatures + g * np.eye(len(of_signatures)), left.T)
        found.append(right.T)
    return time.perf_counter() - began, found


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    prepare_process()
    arrays = drawn(config) if config.data == "drawn" else awa1(config)
    features, _, signatures = arrays
    sizes = {
        "examples": len(features),
        "dims": features.shape[1],
        "classes": len(signatures),
        "attributes": signatures.shape[1],
    }
    print(f"{sizes}, {len(config.penalties)} values of a and of g, on {device_name()}")
    grid = [(i, j) for i in range(len(config.penalties)) for j in range(len(config.penalties))]
    places = [grid[at] for at in np.linspace(0, len(grid) - 1, config.points).round().astype(int)]
    points = [(config.penalties[i], config.penalties[j]) for i, j in places]
    before, weights = whole_grid(arrays, config.penalties)
    separate, theirs = textbook(arrays, points, shared=False)
    shared, _ = textbook(arrays, points, shared=True)
    after, _ = whole_grid(arrays, config.penalties)
    seconds = fmean([before, after])
    worst = max(
        float(np.abs(weights[place] - W).max() / np.abs(W).max())
        for place, W in zip(places, theirs, strict=True)
    )
    rows = [
        [f"jtransfer, all {len(grid)}", f"{seconds:.2f} s", "1.0"],
        [f"NumPy, {len(points)} separate solves", f"{separate:.2f} s", f"{separate / seconds:.1f}"],
        [
            f"NumPy, {len(points)} with shared products",
            f"{shared:.2f} s",
            f"{shared / seconds:.1f}",
        ],
    ]
    print(console_table(["solutions", "time", "times ours"], rows))
    print(f"W differ by {worst:.1e} of the largest weight at most")
    result: dict[str, Any] = {
        "experiment": "benchmark_eszsl",
        "date": str(date.today()),
        "data": config.data,
        **sizes,
        "penalties": list(config.penalties),
        "points": points,
        "runs": [before, after],
        "seconds": seconds,
        "numpy_separate_seconds": separate,
        "numpy_shared_seconds": shared,
        "worst_difference": worst,
        "made_by": provenance(),
    }
    keep(config.out, config.data.removeprefix("npz:"), result)
    return result


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
