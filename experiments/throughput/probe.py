"""Time the choice of C by cross-validation, beside scikit-learn.

    make bench                                     (there with 50 classes, in a minute or two)
    python -m experiments.throughput.probe          (on two cores some 5 minutes)
    python -m experiments.throughput.probe --weights alexnet_imagenet_conv1-5.safetensors
    python -m experiments.throughput.probe --classes 20 --train 1000 --dims 512
    python -m experiments.throughput.probe --classes 100 --train 1000 --dims 1280 --rivals 2

The last takes half an hour, with `--no-again` a third less.

The whole job: 8 values of C x 5 folds x 101 classes on 3,030 x 9,216 features, for the SVM and the
softmax, in one process, compilation included. scikit-learn's LinearSVC and LogisticRegression are
timed on some C of the first fold, between two runs of ours, or after one; their whole grid is taken
to last as long as these fits do in the mean, times their number. At each of these C, on the same
training images, the objectives and the predictions for the fold's other images are compared; for
that LogisticRegression, which stops early by its default tolerance, is fitted once more, untimed,
in float64 and to convergence.

The features are AlexNet's conv5 on Caltech-101 if its weights are given, otherwise drawn ones of
the same kind: classes around random means, negative parts cut off, length 1.

The numbers go to experiments/results/benchmark_probe/, from where `python -m experiments.report`
writes the page of throughput. Nothing else should run meanwhile.
"""

import time
import warnings
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

import jax
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from experiments.command import run_command
from experiments.throughput.interleaved import keep
from jtransfer.data.loading import load_files
from jtransfer.data.splits import per_class_split, stratified_folds
from jtransfer.measure import console_table
from jtransfer.recipes.features.deep_features import deep_features
from jtransfer.recipes.features.layer_probe import HEADS, PENALTIES
from jtransfer.recipes.features.scaling import scaled
from jtransfer.train.provenance import device_name, provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.penalty_path import Kind
from jtransfer.transfer.features.probe import Folds, cross_validate, fit_softmax, fit_svm

FITS: dict[Kind, Any] = {"svm": fit_svm, "softmax": fit_softmax}
RIVALS = {"svm": LinearSVC, "softmax": LogisticRegression}
# What scikit-learn needs to converge where its own settings stop early; not timed.
CONVERGED: dict[Kind, dict[str, Any]] = {
    "svm": {},
    "softmax": {"tol": 1e-7, "max_iter": 5000},
}


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    weights: Path | None = None  # file of AlexNet-2014's weights; by default the features are drawn
    data: str = "folder:caltech101"  # data set whose features are taken if there are weights
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    classes: int = 101  # classes of the drawn features
    dims: int = 9216  # dimensions of the drawn features
    train: int = 30  # training examples of each class
    folds: int = 5  # folds of the cross-validation
    penalties: tuple[float, ...] = PENALTIES  # values of C
    rivals: int = 4  # how many values of C scikit-learn is timed at
    again: bool = True  # run ours a second time after it
    out: Path = Path("experiments/results/benchmark_probe")  # where the numbers go


def drawn_features(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, dims] of length 1 and labels [n]."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(config.classes), config.train)
    means = random.normal(size=(config.classes, config.dims)).astype(np.float32)
    features = np.empty((len(labels), config.dims), np.float32)
    # A class at a time, so that drawing takes no more memory than what is drawn.
    for label, mean in enumerate(means):
        own = slice(label * config.train, (label + 1) * config.train)
        drawn = random.standard_normal((config.train, config.dims), np.float32)
        features[own] = scaled(np.maximum(0.3 * mean - 0.5 + drawn, 0))
    return features, labels


def alexnet_features(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, dims] of length 1 and labels [n]: the first training set of `probe_layers`."""
    files = load_files(config.data, data_root=config.data_root)
    layers = ["conv1", "conv2", "conv3", "conv4", "conv5"]
    features = deep_features(
        "alexnet_2014",
        files,
        layers=layers,
        weights_path=config.weights,
        cache_folder=config.cache,
    )
    chosen, _ = per_class_split(
        files.labels, train=config.train, test_at_most=50, seed=0, classes=files.classes
    )
    return scaled(features.layers["conv5"][chosen]), files.labels[chosen]


def objective(
    kind: Kind, weights: np.ndarray, bias: np.ndarray, features: Any, labels: np.ndarray, C: float
) -> float:
    """What both minimise, in float64."""
    weights, bias = weights.astype(np.float64), bias.astype(np.float64)
    scores = features.astype(np.float64) @ weights + bias
    own = np.arange(len(bias)) == labels[:, None]
    if kind == "svm":
        loss = (np.maximum(0, 1 - np.where(own, 1, -1) * scores) ** 2).sum()
        return 0.5 * ((weights**2).sum() + (bias**2).sum()) + C * loss
    highest = scores.max(axis=1)
    logs = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return 0.5 * (weights**2).sum() + C * (logs - scores[own]).sum()


def whole_job(
    config: Config, kind: Kind, features: np.ndarray, labels: np.ndarray, folds: Folds
) -> tuple[float, float]:
    """Seconds of the whole grid and the refit, compilation included, and the largest excess."""
    jax.clear_caches()
    began = time.perf_counter()
    choice = cross_validate(
        features, labels, config.penalties, folds, kind=kind, classes=int(labels.max()) + 1
    )
    jax.block_until_ready(choice.probe.weights)
    return time.perf_counter() - began, choice.excess


def rival_fit(
    kind: Kind, features: np.ndarray, labels: np.ndarray, fold: Any, C: float
) -> dict[str, float]:
    """scikit-learn's time at one C of one fold, and how it compares with ours."""
    train, held_out = fold
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = RIVALS[kind](C=C).fit(features[train], labels[train])
    seconds = time.perf_counter() - began
    if CONVERGED[kind]:
        theirs = RIVALS[kind](C=C, **CONVERGED[kind]).fit(
            features[train].astype(np.float64), labels[train]
        )
    best = objective(kind, theirs.coef_.T, theirs.intercept_, features[train], labels[train], C)
    ours = FITS[kind](
        features[train], labels[train], C, classes=len(theirs.classes_), tolerance=1e-4
    )
    weights, bias = np.asarray(ours.weights), np.asarray(ours.bias)
    same = np.asarray(ours.predict(features[held_out])) == theirs.predict(features[held_out])
    reached = objective(kind, weights, bias, features[train], labels[train], C)
    return {
        "C": C,
        "seconds": seconds,
        "our_objective_less_theirs": (reached - best) / best,
        "same_predictions": float(same.mean()),
        "converged": float(not any(w.category is ConvergenceWarning for w in caught)),
    }


def peak_bytes() -> int:
    """The most memory that this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def rival_penalties(config: Config) -> list[float]:
    """Values of C, evenly taken, that scikit-learn is timed at."""
    ordered = sorted(config.penalties)
    return ordered[:: max(1, len(ordered) // config.rivals)][: config.rivals]


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    # What is told is the memory that a probe needs, not what would be kept for the next.
    prepare_process(keep_freed=False)
    drawn = config.weights is None
    features, labels = drawn_features(config) if drawn else alexnet_features(config)
    classes = [str(label) for label in range(int(labels.max()) + 1)]
    folds = stratified_folds(labels, config.folds, seed=0, classes=classes)
    cells = len(config.penalties) * config.folds
    print(
        f"{len(features):,} x {features.shape[1]:,} features "
        f"({'drawn' if drawn else f'AlexNet conv5 of {config.data}'}), {len(classes)} classes, "
        f"{len(config.penalties)} values of C x {config.folds} folds, on {device_name()}"
    )
    # Both of ours before scikit-learn, whose copies would count in the peak of the second.
    first: dict[Kind, tuple[float, float, int]] = {}
    for kind in FITS:
        before, excess = whole_job(config, kind, features, labels, folds)
        first[kind] = before, excess, peak_bytes()
        print(f"{kind}: the whole job in {before:.1f} s", flush=True)
    measured: dict[str, dict[str, Any]] = {}
    for kind, (before, excess, peak) in first.items():
        print(f"{kind}: scikit-learn", flush=True)
        rival = [rival_fit(kind, features, labels, folds[0], C) for C in rival_penalties(config)]
        runs = [before]
        if config.again:
            runs.append(whole_job(config, kind, features, labels, folds)[0])
        seconds = fmean(runs)
        theirs = fmean(each["seconds"] for each in rival) * cells
        measured[kind] = {
            "seconds": seconds,
            "runs": runs,
            **({"peak_bytes": peak} if peak else {}),
            "excess": excess,
            "scikit_learn": rival,
            "scikit_learn_seconds": theirs,
            "ratio": theirs / seconds,
        }
        for each in rival:
            print(
                f"  scikit-learn at C = {each['C']:g}: {each['seconds']:.1f} s, our objective "
                f"{each['our_objective_less_theirs']:+.1e} of theirs, "
                f"{each['same_predictions']:.2%} of predictions the same"
                + ("" if each["converged"] else " (it stopped before it had converged)"),
                flush=True,
            )
    rows = [
        [
            HEADS[kind],
            f"{each['seconds']:.1f} s",
            f"{each['scikit_learn_seconds']:,.0f} s",
            f"{each['ratio']:.1f}",
        ]
        for kind, each in measured.items()
    ]
    print(console_table(["whole job", "jtransfer", "scikit-learn", "times faster"], rows))
    result: dict[str, Any] = {
        "experiment": "benchmark_probe",
        "date": str(date.today()),
        "features": "drawn" if drawn else f"AlexNet-2014 conv5 of {config.data}",
        "examples": len(features),
        "dims": features.shape[1],
        "classes": len(classes),
        "folds": config.folds,
        "penalties": list(config.penalties),
        "compared_with": "converged",
        "measured": measured,
        "made_by": provenance(),
    }
    result["made_by"]["versions"]["scikit-learn"] = version("scikit-learn")
    name = f"drawn_{len(features)}x{features.shape[1]}" if drawn else "alexnet_conv5"
    keep(config.out, name, result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
