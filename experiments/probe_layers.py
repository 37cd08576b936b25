"""A linear classifier on every layer of a pretrained net: how general are its features?

Reproduces Table 7 of Zeiler & Fergus ("Visualizing and understanding convolutional networks", ECCV
2014), mean accuracy per class in percent; their net is a ZFNet, the one at hand AlexNet-2014:

    head (layer)   Caltech-101, 30 a class   Caltech-256, 60 a class
    SVM (1)              44.8 ± 0.7                24.6 ± 0.4
    SVM (2)              66.2 ± 0.5                39.6 ± 0.3
    SVM (3)              72.3 ± 0.4                46.0 ± 0.3
    SVM (4)              76.6 ± 0.4                51.3 ± 0.1
    SVM (5)              86.2 ± 0.8                65.6 ± 0.3
    SVM (7)              85.5 ± 0.4                71.7 ± 0.2
    Softmax (5)          82.9 ± 0.4                65.7 ± 0.5
    Softmax (7)          85.4 ± 0.4                72.6 ± 0.1

Caltech-101, 30 images a class to train, up to 50 to test, five folds (measured numbers and times:
BENCHMARKS.md):

    python -m experiments.probe_layers
    python -m experiments.probe_layers --net efficientnet_lite0

Features are extracted once and cached, C is chosen by cross-validation inside each training set. A
finished cell (layer, classifier, scaling) is not run again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.command import run_command
from experiments.deep_features import NETS, crop_for, deep_features, short_name
from experiments.published import LAYER_PROBES
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.loading import load_files
from jtransfer.data.splits import per_class_split, stratified_folds
from jtransfer.measure import console_table, mean_per_class_accuracy, mean_std
from jtransfer.measure.depth import depth_figure
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.extraction import Features
from jtransfer.transfer.features.probe import cross_validate

Head = Literal["svm", "softmax"]
HEADS: dict[str, str] = {"svm": "SVM", "softmax": "softmax"}
# Layers that are classified unless others are named.
LAYERS: dict[str, dict[str, tuple[str, ...]]] = {
    "alexnet_2014": {
        "svm": ("conv1", "conv2", "conv3", "conv4", "conv5"),
        "softmax": ("conv5",),
    },
    "efficientnet_lite0": {
        "svm": ("block1", "block2", "block3", "block4", "block5", "block6", "block7", "top"),
        "softmax": ("top",),
    },
}
# Powers of four around the C that suits features of length 1.
PENALTIES = tuple(4.0**power for power in range(-3, 5))


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (classifier, layer) is one cell."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: Literal["alexnet_2014", "alexnet_2014_unpooled", "efficientnet_lite0"] = "alexnet_2014"
    weights: Path | None = None  # file of the net's weights; by default downloaded once
    svm: tuple[str, ...] | None = None  # layers for the SVM, instead of the net's usual ones
    softmax: tuple[str, ...] | None = None  # layers for the softmax, instead of the usual ones
    scaling: Literal["l2", "mean"] = "l2"  # each image's features to length 1, or all to mean 1
    train: int = 30  # images a class to train on
    test_at_most: int = 50  # images a class to test on, of the rest
    folds: int = 5  # random splits into training and test images
    inner_folds: int = 5  # of each training set, to choose C
    penalties: tuple[float, ...] = PENALTIES  # values of C to choose from
    views: Literal[1, 10] = 1  # centre crop, or the mean of ten crops' features
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    on_unreadable: Literal["stop", "skip"] = "stop"  # at an image that cannot be read
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/probe_layers")  # one folder a cell, and the figure

    @property
    def layers(self) -> dict[Head, tuple[str, ...]]:
        """The layers of each classifier."""
        usual = LAYERS[self.net.removesuffix("_unpooled")]
        svm = usual["svm"] if self.svm is None else self.svm
        softmax = usual["softmax"] if self.softmax is None else self.softmax
        return {"svm": svm, "softmax": softmax}


def scaled(features: np.ndarray, scaling: str, train: int) -> np.ndarray:
    """Features [n, dims] float32: rows of length 1, or the first `train` rows of mean length 1."""
    features = np.array(features, np.float32)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    by = lengths[:train].mean() if scaling == "mean" else np.maximum(lengths, 1e-12)
    features /= by
    return features


def run_fold(
    config: Config, features: np.ndarray, files: ImageFiles, rows: np.ndarray, head: Head, fold: int
) -> dict[str, Any]:
    """Choose C on a fold's training images, train on all of them, and test.

    Args:
      config: the settings.
      features: [files, dims] of one layer.
      files: the images.
      rows: positions in `files` of the images that could be read.
      head: the classifier.
      fold: number of the fold, the seed of its split.
    """
    labels, classes = files.labels[rows], len(files.classes)
    train, test = per_class_split(
        labels,
        train=config.train,
        test_at_most=config.test_at_most,
        seed=fold,
        classes=files.classes,
    )
    chosen = np.concatenate([train, test])
    values = scaled(features[rows[chosen]], config.scaling, len(train))
    began = time.perf_counter()
    inner = stratified_folds(labels[train], config.inner_folds, seed=fold, classes=files.classes)
    choice = cross_validate(
        values[: len(train)], labels[train], config.penalties, inner, kind=head, classes=classes
    )
    guesses = np.asarray(choice.probe.predict(values[len(train) :]))
    accuracy = mean_per_class_accuracy(guesses, labels[test], classes)
    seconds = time.perf_counter() - began
    print(
        f"  fold {fold}: C = {choice.C:g} of {len(config.penalties)} by cross-validation, "
        f"mean accuracy per class {accuracy:.4f}, {seconds:.1f} s",
        flush=True,
    )
    return {
        "accuracy": accuracy,
        "C": choice.C,
        # by cross-validation, for each C in ascending order
        "validation": [round(score, 4) for score in choice.scores.mean(axis=1).tolist()],
        "seconds": round(seconds, 1),
    }


def run_cell(
    config: Config, features: Features, files: ImageFiles, head: Head, layer: str
) -> dict[str, Any]:
    """All folds of one classifier on one layer, or what an earlier call measured."""
    shared = ("net", "scaling", "train", "test_at_most", "folds", "inner_folds", "views")
    settings = {
        "experiment": "probe_layers",
        **{key: getattr(config, key) for key in shared},
        "penalties": list(config.penalties),
        "data": files.name,
        "head": head,
        "layer": layer,
        "features": dict(features.key),
    }
    values = features.layers[layer]
    name = f"{short_name(files)}-{config.net}-{layer}-{head}-{config.scaling}-views{config.views}"
    name += f"-train{config.train}-folds{config.folds}"
    folder = RunFolder(config.out / name, settings)
    result = folder.result()
    if result is not None:
        print(f"{name}: finished before")
        return result
    print(f"{name}: {values.shape[1]:,} features an image")
    rows = np.flatnonzero(features.present)
    folds = [run_fold(config, values, files, rows, head, fold) for fold in range(config.folds)]
    return folder.write_result({**settings, "dims": values.shape[1], "measured": folds})


def accuracies(result: dict[str, Any]) -> list[float]:
    """A cell's mean accuracy per class, a number for each fold."""
    return [each["accuracy"] for each in result["measured"]]


def chosen_penalties(result: dict[str, Any]) -> str:
    """The values of C that a cell's folds chose, each once."""
    return ", ".join(f"{C:g}" for C in sorted({fold["C"] for fold in result["measured"]}))


def seconds_a_fold(result: dict[str, Any]) -> float:
    """Mean time of a cell's folds."""
    return float(np.mean([fold["seconds"] for fold in result["measured"]]))


def published_column(files_name: str) -> tuple[str, dict[tuple[str, str], str]]:
    """Name and entries of the paper's column for a data set; empty for others."""
    return next(
        (
            (column, numbers)
            for column, numbers in LAYER_PROBES.items()
            if files_name.partition(":")[2].startswith(column.lower().replace("-", ""))
        ),
        ("", {}),
    )


def table(results: Sequence[dict[str, Any]], files_name: str) -> str:
    """A row for every classifier and layer, beside the paper's."""
    column, numbers = published_column(files_name)
    rows = [
        [
            f"{HEADS[each['head']]} ({each['layer']})",
            f"{each['dims']:,}",
            mean_std(accuracies(each)),
            chosen_penalties(each),
            f"{seconds_a_fold(each):.1f}",
            numbers.get((each["head"], each["layer"]), "–"),
        ]
        for each in results
    ]
    header = ["head (layer)", "features", "mean accuracy per class", "C", "s a fold"]
    return console_table([*header, f"ZFNet, {column}" if column else "published"], rows)


def figure(config: Config, results: Sequence[dict[str, Any]], files: ImageFiles) -> Path:
    """Draw accuracy against depth."""
    order = NETS[config.net].build().stage_names
    _, numbers = published_column(files.name)
    measured: dict[str, dict[str, tuple[float, float]]] = {}
    published: dict[str, dict[str, float]] = {}
    for each in results:
        values = accuracies(each)
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        line = measured.setdefault(HEADS[each["head"]], {})
        line[each["layer"]] = (float(np.mean(values)), deviation)
    if config.net.startswith("alexnet"):
        for (head, layer), text in numbers.items():
            if HEADS[head] in measured and layer in order:
                published.setdefault(HEADS[head], {})[layer] = float(text.split()[0])
    named = [layer for line in (*measured.values(), *published.values()) for layer in line]
    scaling = "" if config.scaling == "l2" else f"-{config.scaling}"
    path = config.out / f"{short_name(files)}-{config.net}{scaling}.png"
    depth_figure(
        measured,
        path,
        layers=[layer for layer in order if layer in named],
        published=published,
        title=f"{files.name} by {config.net}: a linear classifier on each layer",
    )
    return path


def main(config: Config) -> list[dict[str, Any]]:
    """Extract features, classify every layer, print the table and draw the curve."""
    prepare_process()
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    wanted = {layer for layers in config.layers.values() for layer in layers}
    features = deep_features(
        config.net,
        files,
        crop_for(config.net, views=config.views),
        [layer for layer in NETS[config.net].build().stage_names if layer in wanted],
        weights_path=config.weights,
        cache_folder=config.cache,
        workers=config.workers,
        batch=config.batch,
        on_unreadable=config.on_unreadable,
    )
    results = [
        run_cell(config, features, files, head, layer)
        for head, layers in config.layers.items()
        for layer in layers
    ]
    path = figure(config, results, files)
    print(
        f"\n{files.name} by {config.net}, {config.train} images a class to train, at most "
        f"{config.test_at_most} to test, {config.folds} folds\n"
    )
    print(table(results, files.name))
    print(f"\nresults: {config.out}/*/result.json\nfigure: {path}")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
