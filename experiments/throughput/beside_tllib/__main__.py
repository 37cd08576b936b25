"""DANN and CDAN by jtransfer, and by TLlib with PyTorch: right, seconds a step, lines to write.

The same net with the same initial parameters (but for the discriminator's, which each draws), as
many steps, batches and the same descent; the libraries take turns in one process. Two tasks: USPS
to MNIST, and the features of PACS's photographs and paintings.

    python -m experiments.throughput.beside_tllib --tllib FOLDER

FOLDER holds the package `tllib` (github.com/thuml/Transfer-Learning-Library), which no index has;
it needs torch, torchvision and prettytable. Two minutes on two cores that do nothing else.
"""

import inspect
import io
import sys
import tokenize
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from experiments.command import run_command
from experiments.throughput.beside_tllib.ours import initial_params, net_for, train as ours
from experiments.throughput.beside_tllib.tasks import TASKS, Arrays
from experiments.throughput.beside_tllib.watch import Watch
from experiments.throughput.tllib_table import table
from jtransfer.recipes.features.once import once
from jtransfer.train.counted import counted

METHODS = ("DANN", "CDAN")


@dataclass(frozen=True)
class Config:
    """Settings of a call; each task and method is one cell."""

    tllib: Path | None = None  # folder that the package tllib lies in; by default it is installed
    steps: int = 600  # training steps
    warm: int = 50  # first steps that are not timed
    batch: int = 64  # examples of each domain in a step
    rate: float = 0.01  # at the start; it falls as Ganin's
    seeds: tuple[int, ...] = (0, 1)  # turns of both libraries
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # features of the photographs
    out: Path = Path("checkpoints/benchmark_tllib")  # one folder a cell


def missing() -> str:
    """What the comparison lacks, if it does."""
    return ", ".join(name for name in ("torch", "prettytable", "tllib") if find_spec(name) is None)


def lines_of(function: Any) -> int:
    """Logical lines of a function's body, its signature, docstring and comments left out."""
    source = inspect.getsource(function)
    body = source[source.index('"""', source.index('"""') + 3) + 3 :]
    tokens = tokenize.generate_tokens(io.StringIO(inspect.cleandoc(body) + "\n").readline)
    return sum(each.type == tokenize.NEWLINE for each in tokens)


def measure(method: str, data: Arrays, config: Config) -> dict[str, Any]:
    """Both libraries in turns."""
    from experiments.throughput.beside_tllib.theirs import train as theirs

    measured: dict[str, list[dict[str, float]]] = {"jtransfer": [], "TLlib": []}
    for seed in counted(config.seeds, "turns"):
        starts = {
            "jtransfer": (ours, net_for(data)),
            "TLlib": (theirs, initial_params(data, seed)),
        }
        for name, (train, start) in starts.items():
            watch = Watch(config.warm)
            guess = train(
                start,
                method,
                data,
                steps=config.steps,
                batch=config.batch,
                rate=config.rate,
                seed=seed,
                watch=watch,
            )
            timed = watch.stop()
            right = float(np.mean(guess(data.test) == data.right))
            measured[name].append({"accuracy": right, **timed})
            print(f"{method}, seed {seed}, {name}: {right:.3f}, {timed['milliseconds']:.1f} ms")
    return {
        "measured": measured,
        "lines": {"jtransfer": lines_of(ours), "TLlib": lines_of(theirs)},
        "torch": sys.modules["torch"].__version__,
        "images": {"source": len(data.source), "target": len(data.target), "test": len(data.test)},
    }


def main(config: Config) -> list[dict[str, Any]]:
    """Run the cells and print their table."""
    if config.tllib is not None:
        sys.path.append(str(config.tllib))
    lacking = missing()
    if lacking:
        print(f"skipped: {lacking} not found; --tllib names the folder that tllib lies in")
        return []
    setattr(np, "float", float)  # noqa: B010  TLlib says so, as NumPy no longer does
    results = []
    for number, (task, load) in enumerate(TASKS.items()):
        data = load(config.data_root, config.cache)
        for method in METHODS:
            settings = {
                "experiment": "benchmark_tllib",
                "task": task,
                "method": method,
                **{key: getattr(config, key) for key in ("steps", "warm", "batch", "rate")},
                "seeds": list(config.seeds),
            }
            folder = config.out / f"{('digits', 'photographs')[number]}-{method.lower()}"
            results.append(once(folder, settings, lambda m=method, d=data: measure(m, d, config)))
    print(f"\n{table(results)}\n\nresults: {config.out}/*/result.json")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
