"""Every method with every kind of knowledge about the classes, on features of real animals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jax.sharding import Mesh

from experiments.awa1 import ZeroShotData, load_awa1, rooted
from experiments.zero_shot.config import Grid, MethodName, SideName
from experiments.zero_shot.rows import GRID_HEADER, SIDES, grid_row
from jtransfer.measure import console_table
from jtransfer.recipes.zero_shot.methods import METHODS
from jtransfer.recipes.zero_shot.problem import Problem
from jtransfer.recipes.zero_shot.run_method import run_method
from jtransfer.train.counted import counted

TABLES: dict[str, tuple[str, ...]] = {"both": ("continuous", "words")}  # of sides that are several


def lengths(grid: Grid) -> dict[str, float]:
    """Of each descriptor."""
    return {"rgsift": 1.0, "phog": grid.phog_weight}


def problem_of(
    grid: Grid, data: ZeroShotData, features: np.ndarray, side: SideName, mesh: Mesh | None
) -> Problem:
    """The animals' features [n, dims], and one kind of knowledge about the classes."""
    return Problem.make(
        features,
        data.labels,
        [data.tables[name] for name in TABLES.get(side, (side,))],
        seen=data.seen,
        unseen=data.unseen,
        held_out=grid.held_out,
        mesh=mesh,
    )


def run_cell(
    grid: Grid,
    data: ZeroShotData,
    problem: Problem,
    out: Path,
    seeds: Sequence[int],
    method: MethodName,
    side: SideName,
) -> dict[str, Any]:
    """One method with one side."""
    identity = {
        "experiment": "zero_shot",
        "data": data.name,
        "features": lengths(grid),
        "method": method,
        "side": side,
        "words": grid.words,
        "fingerprint": data.fingerprint,
    }
    return run_method(
        problem,
        METHODS[method],
        out / f"{data.name.lower()}-{method}-{side}",
        folds=grid.folds,
        seeds=seeds,
        identity=identity,
        title=f"{METHODS[method].title}, {SIDES[side]}",
    )


def run(
    grid: Grid,
    data_root: Path | None,
    out: Path,
    seeds: Sequence[int],
    mesh: Mesh | None = None,
) -> list[dict[str, Any]]:
    """Run every method with every side and print the table."""
    data = load_awa1(data_root, grid.words)
    features = rooted(data.features, lengths(grid))
    print(
        f"{data.name}: {len(features):,} images, {features.shape[1]:,} features, "
        f"{len(data.seen)} seen and {len(data.unseen)} unseen classes"
    )
    results = [
        run_cell(grid, data, problem, out, seeds, method, side)
        for side in counted(grid.sides, "sides")
        for problem in [problem_of(grid, data, features, side, mesh)]
        for method in grid.methods
        # Attributes as probabilities come from one table.
        if side not in TABLES or not METHODS[method].probabilities
    ]
    print("\n" + console_table(GRID_HEADER, [grid_row(each) for each in results]))
    print(f"\nchance {1 / len(data.unseen):.3f}")
    return results
