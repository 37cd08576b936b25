"""`jtransfer fit` beside a linear probe by timm and PyTorch, from the command to the model.

Of each class some images make the model and others judge it. Each way is a command that starts
with nothing cached: imports, compilation, decoding, the net, and the classifier are all in its
time. Then it tells the others' classes, timed likewise. The ways take turns, a random split a turn.
jtransfer chooses layer, probe and penalty in its time, estimates its accuracy and writes a report;
timm's net has `nn.Linear`, which chooses nothing, or LogisticRegressionCV (see `timm_probe`).

    python -m experiments.own_folder.beside_timm --data folder:PACS/photo --train 50

Needs timm, torch and torchvision.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from experiments.command import run_command
from experiments.data_names import short_name
from experiments.own_folder.beside_timm_table import OURS, table
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.loading import load_files
from jtransfer.data.splits import per_class_split
from jtransfer.measure.metrics import mean_per_class_accuracy
from jtransfer.recipes.features.once import once
from jtransfer.train.counted import counted

SAID = "said.csv"
Command = tuple[str, ...]


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one data set."""

    data: str = "folder:PACS/photo"  # data set, with a folder for each class below the data root
    train: int = 50  # images of each class that the model is made of
    test_at_most: int | None = None  # others of each class, at most; by default all
    splits: int = 2  # random splits into these and the others, a turn of every way each
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/own_folder_beside_timm")  # one folder a call


def ours(train: Path, rest: Path, made: Path) -> tuple[Command, Command]:
    """The command that makes a model, and the one that tells the others' classes."""
    run, model = (sys.executable, "-m", "jtransfer"), str(made / "model")
    return (
        (*run, "fit", str(train), "--out", model),
        (*run, "predict", model, str(rest), "--out", str(made / SAID)),
    )


def theirs(head: str, train: Path, rest: Path, made: Path) -> tuple[Command, Command]:
    """The same by timm, with one of the heads of `timm_probe`."""
    run, model = (sys.executable, "-m", "experiments.own_folder.timm_probe"), str(made / "model")
    return (
        (*run, "fit", str(train), model, head),
        (*run, "predict", model, str(rest), str(made / SAID)),
    )


WAYS = {
    OURS: ours,
    "timm, nn.Linear": partial(theirs, "linear"),
    "timm, LogisticRegressionCV": partial(theirs, "logistic"),
}


# From a process of its own: the peak of memory of what starts a command would be the command's too.
_MEASURE = """
import json, resource, subprocess, sys, time
out, *command = sys.argv[1:]
began = time.perf_counter()
code = subprocess.run(command).returncode
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(out, "w") as file:
    json.dump([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss], file)
sys.exit(code)
"""


def timed(command: Command, cache: Path) -> dict[str, float]:
    """Seconds by the clock and of the processor, its workers' among them, and the peak of memory.

    Raises:
      RuntimeError: if the command fails, with what it said.
    """
    environment = {**os.environ, "JTRANSFER_CACHE": str(cache)}
    found = cache / "measured.json"
    with (cache / "said.txt").open("w+") as said:
        process = subprocess.run(
            (sys.executable, "-c", _MEASURE, str(found), *command),
            stdout=said,
            stderr=said,
            env=environment,
        )
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{said.read()}")
    seconds, of_processor, kilobytes = json.loads(found.read_text())
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(of_processor, 2),
        "gigabytes": round(kilobytes * 1024 / 1e9, 3),  # kB on Linux
    }


def accuracy(said: Path, classes: tuple[str, ...]) -> float:
    """Mean accuracy per class of a csv of files, whose folders are their classes."""
    with said.open(newline="", encoding="utf-8") as file:
        lines = [*csv.DictReader(file)]
    numbers = {name: number for number, name in enumerate(classes)}
    guesses = np.array([numbers[line["class"]] for line in lines])
    labels = np.array([numbers[Path(line["file"]).parent.name] for line in lines])
    return mean_per_class_accuracy(guesses, labels, len(classes))


def copied(files: ImageFiles, rows: np.ndarray, folder: Path) -> Path:
    """A folder of some of the images, with one folder a class."""
    for row in rows:
        of_class = folder / files.classes[files.labels[row]]
        of_class.mkdir(parents=True, exist_ok=True)
        shutil.copy(files.paths[row], of_class)
    return folder


def turn(config: Config, files: ImageFiles, seed: int) -> dict[str, dict[str, Any]]:
    """Every way on one split, by name."""
    split = per_class_split(
        files.labels,
        train=config.train,
        test_at_most=config.test_at_most,
        seed=seed,
        classes=files.classes,
    )
    found = {}
    with TemporaryDirectory() as place:
        here = Path(place)
        folders = copied(files, split[0], here / "train"), copied(files, split[1], here / "rest")
        for name, way in WAYS.items():
            made = here / f"by-{len(found)}"
            made.mkdir()
            fit, predict = way(*folders, made)
            found[name] = {"fit": timed(fit, made), "predict": timed(predict, made)}
            found[name]["held_out"] = accuracy(made / SAID, files.classes)
            print(f"  split {seed}: {name}: {found[name]}", flush=True)
    return found


def main(config: Config) -> dict[str, Any]:
    """Take the turns and print the table."""
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    settings = {
        "experiment": "own_folder_beside_timm",
        "train": config.train,
        "test_at_most": config.test_at_most,
        "splits": config.splits,
        "data": files.name,
        "images": len(files),
        "classes": len(files.classes),
    }

    def measure() -> dict[str, Any]:
        turns = [turn(config, files, seed) for seed in counted(range(config.splits), "splits")]
        return {"measured": {name: [each[name] for each in turns] for name in turns[0]}}

    name = f"{short_name(files)}-train{config.train}-{config.splits}splits"
    result = once(config.out / name, settings, measure)
    print(f"\n{table([result])}\n\nresults: {config.out / name}/result.json")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
