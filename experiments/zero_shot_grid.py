"""Zero-shot methods x kinds of knowledge about the classes, on features of real images."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jax.sharding import Mesh

from experiments.zero_shot_data import SIDES, ZeroShotData, load_awa1, rooted
from experiments.zero_shot_methods import METHODS, Fitted, Setting
from jtransfer.data.splits import class_folds, stratified_folds
from jtransfer.measure import (
    confusion_figure,
    confusion_matrix,
    console_table,
    mean_per_class_accuracy,
    mean_std,
)
from jtransfer.measure.class_map import class_map_figure
from jtransfer.measure.seen_unseen import seen_unseen_curve
from jtransfer.train.run_folder import RunFolder

MethodName = Literal["look_up", "dap", "iap", "eszsl", "ale", "devise", "towers"]
SideName = Literal["continuous", "binary", "words", "both"]
DEFAULT_SIDES: tuple[SideName, ...] = ("continuous", "binary", "words", "both")
TABLES = {"both": ("continuous", "words")}  # of sides that are several tables


@dataclass(frozen=True)
class Grid:
    """Settings of `npz:awa1`; each (method, side) is one cell."""

    methods: tuple[MethodName, ...] = get_args(MethodName)  # rows of the table
    sides: tuple[SideName, ...] = DEFAULT_SIDES  # what is known about the classes
    phog_weight: float = 0.5  # length of the phog descriptor where rgsift has 1
    folds: int = 4  # of the seen classes, each in turn the validation classes
    held_out: int = 5  # in the generalised case, one of so many parts of each seen class's images
    words: str = "glove_6b_100d.npz"  # word vectors below the data root


@dataclass(frozen=True, eq=False)
class Problem:
    """Images and classes as every cell sees them.

    Attributes:
      data: where they are from.
      features: [n, dims].
      train: positions of the seen classes' images that are trained on in the generalised case.
      held: positions of their other images.
      mesh: of the devices that train together; None for one.
    """

    data: ZeroShotData
    features: np.ndarray
    train: np.ndarray
    held: np.ndarray
    mesh: Mesh | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Of the data."""
        return self.data.fingerprint()

    @classmethod
    def make(
        cls, data: ZeroShotData, features: np.ndarray, held_out: int, mesh: Mesh | None = None
    ) -> "Problem":
        """Hold out one of `held_out` parts of the images of each seen class."""
        seen = np.flatnonzero(np.isin(data.labels, data.seen))
        train, held = stratified_folds(data.labels[seen], held_out, seed=0)[0]
        return cls(data, features, seen[train], seen[held], mesh)

    def images_of(self, classes: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
        """Positions of the images of some classes, of all images or of those given."""
        among = np.arange(len(self.data.labels)) if among is None else among
        return among[np.isin(self.data.labels[among], classes)]

    def fit(
        self,
        method: str,
        side: str,
        settings: Sequence[Setting],
        images: np.ndarray,
        classes: np.ndarray,
        seed: int,
    ) -> tuple[list[Fitted], np.ndarray]:
        """Fit a method to images of some classes; also the signatures of all classes.

        Args:
          method: its name.
          side: what is known about the classes.
          settings: of the method.
          images: positions to train on.
          classes: of these images, ascending.
          seed: of the training.
        """
        about = METHODS[method]
        tables = [self.data.tables[name] for name in TABLES.get(side, (side,))]
        signatures = about.signatures(tables, classes)
        rows = np.searchsorted(classes, self.data.labels[images])
        features = self.features[images]
        found = about.fit(features, rows, signatures[classes], settings, seed, self.mesh)
        return found, signatures

    def scores(
        self, fitted: Fitted, signatures: np.ndarray, images: np.ndarray, classes: np.ndarray
    ) -> np.ndarray:
        """Scores [images, classes]."""
        return np.asarray(fitted.decision(self.features[images], signatures[classes]))


def choose(problem: Problem, method: str, side: str, folds: int) -> dict[str, Any]:
    """The setting with the best accuracy on validation classes, and its calibration.

    Each fold of the seen classes is unseen in turn: zero-shot accuracy among its own classes
    chooses the setting; with it, images of all seen classes choose the calibration.
    """
    settings = METHODS[method].settings
    accuracies = np.zeros((len(settings), folds))
    calibrations = np.zeros((len(settings), folds))
    labels = problem.data.labels
    for fold, (known, new) in enumerate(class_folds(problem.data.seen, folds, seed=0)):
        images = problem.images_of(known, problem.train)
        found, signatures = problem.fit(method, side, settings, images, known, seed=fold)
        classes = np.concatenate([known, new])
        tested = np.concatenate([problem.images_of(known, problem.held), problem.images_of(new)])
        place = np.argsort(classes)[np.searchsorted(np.sort(classes), labels[tested])]
        fresh = place >= len(known)
        for number, fitted in enumerate(found):
            scores = problem.scores(fitted, signatures, tested, classes)
            guesses = scores[fresh][:, len(known) :].argmax(axis=1)
            accuracies[number, fold] = mean_per_class_accuracy(
                guesses, place[fresh] - len(known), len(new)
            )
            curve = seen_unseen_curve(scores, place, np.arange(len(classes)) < len(known))
            calibrations[number, fold] = curve.best_calibration()
    means = accuracies.mean(axis=1)
    best = int(means.argmax())
    return {
        "setting": settings[best],
        "validation": float(means[best]),
        "validation_folds": [round(each, 4) for each in accuracies[best].tolist()],
        "validation_settings": [round(each, 4) for each in means.tolist()],
        "calibration": float(calibrations[best].mean()),
    }


def measure(
    problem: Problem, method: str, side: str, choice: dict[str, Any], seed: int
) -> tuple[dict[str, Any], Fitted, np.ndarray]:
    """Zero-shot and generalised accuracy of the chosen setting; also what was fitted."""
    data = problem.data
    unseen_images = problem.images_of(data.unseen)
    place = np.searchsorted(data.unseen, data.labels[unseen_images])

    (fitted,), signatures = problem.fit(
        method, side, [choice["setting"]], problem.images_of(data.seen), data.seen, seed
    )
    scores = problem.scores(fitted, signatures, unseen_images, data.unseen)
    guesses, count = scores.argmax(axis=1), len(data.unseen)

    (part,), _ = problem.fit(method, side, [choice["setting"]], problem.train, data.seen, seed)
    tested = np.concatenate([problem.held, unseen_images])
    everything = np.arange(len(data.classes))
    among_all = problem.scores(part, signatures, tested, everything)
    curve = seen_unseen_curve(among_all, data.labels[tested], np.isin(everything, data.seen))
    result = {
        "seed": seed,
        "accuracy": mean_per_class_accuracy(guesses, place, count),
        "confusion": confusion_matrix(guesses, place, count).tolist(),
        "uncalibrated": dict(zip("SUH", curve.at(0.0), strict=True)),
        "calibrated": dict(zip("SUH", curve.at(choice["calibration"]), strict=True)),
        "area": curve.area,
    }
    return result, fitted, signatures


def run_cell(
    grid: Grid, problem: Problem, out: Path, seeds: Sequence[int], method: str, side: str
) -> dict[str, Any]:
    """Choose, measure and draw one method with one side, or what an earlier call measured."""
    data, about = problem.data, METHODS[method]
    seeds = seeds if about.trained else seeds[:1]
    settings = {
        "experiment": "zero_shot",
        "data": data.name,
        "features": {"rgsift": 1.0, "phog": grid.phog_weight},
        "method": method,
        "side": side,
        "settings": list(about.settings),
        "folds": grid.folds,
        "held_out": grid.held_out,
        "seeds": list(seeds),
        "words": grid.words,
        "fingerprint": problem.fingerprint,
    }
    folder = RunFolder(out / f"{data.name.lower()}-{method}-{side}", settings)
    result = folder.result()
    title = f"{about.title}, {SIDES[side]}"
    if result is not None:
        print(f"{title}: finished before")
        return result
    began = time.perf_counter()
    choice = choose(problem, method, side, grid.folds)
    print(f"{title}: {choice['validation']:.3f} on validation classes by {choice['setting']}")
    measured = [measure(problem, method, side, choice, seed) for seed in seeds]
    runs = [run for run, *_ in measured]
    _, fitted, signatures = measured[-1]
    print(f"  {mean_std([run['accuracy'] for run in runs])} zero-shot", flush=True)
    names = [data.classes[each] for each in data.unseen]
    confusion_figure(runs[-1]["confusion"], names, folder.path / "confusion.png", title=title)
    if fitted.embed is not None:
        images = problem.images_of(data.unseen)
        class_map_figure(
            signatures[data.unseen],
            np.asarray(fitted.embed(problem.features[images])),
            np.searchsorted(data.unseen, data.labels[images]),
            folder.path / "map.png",
            classes=names,
            title=f"{title}: unseen classes, and where their images are taken to be",
        )
    seconds = round(time.perf_counter() - began, 1)
    return folder.write_result({**settings, **choice, "measured": runs, "seconds": seconds})


def row(result: dict[str, Any]) -> list[str]:
    """A cell's numbers: validation, zero-shot, S U H without and with calibration, area."""
    runs = result["measured"]

    def over_seeds(kind: str) -> list[str]:
        return [mean_std([run[kind][letter] for run in runs]) for letter in "SUH"]

    return [
        METHODS[result["method"]].title,
        SIDES[result["side"]],
        f"{result['validation']:.3f}",
        mean_std([run["accuracy"] for run in runs]),
        *over_seeds("uncalibrated"),
        *over_seeds("calibrated"),
        mean_std([run["area"] for run in runs]),
    ]


HEADER = [
    "method",
    "known about the classes",
    "validation classes",
    "unseen classes",
    *("S", "U", "H"),
    *("S cal.", "U cal.", "H cal."),
    "area",
]


def run(
    grid: Grid,
    data_root: Path | None,
    out: Path,
    seeds: Sequence[int],
    mesh: Mesh | None = None,
) -> list[dict[str, Any]]:
    """Run every method with every side and print the table."""
    data = load_awa1(data_root, grid.words)
    features = rooted(data.features, {"rgsift": 1.0, "phog": grid.phog_weight})
    problem = Problem.make(data, features, grid.held_out, mesh)
    print(
        f"{data.name}: {len(features):,} images, {features.shape[1]:,} features, "
        f"{len(data.seen)} seen and {len(data.unseen)} unseen classes"
    )
    results = [
        run_cell(grid, problem, out, seeds, method, side)
        for side in grid.sides
        for method in grid.methods
        # Attributes as probabilities come from one table.
        if side not in TABLES or not METHODS[method].probabilities
    ]
    print("\n" + console_table(HEADER, [row(each) for each in results]))
    print(f"\nchance {1 / len(data.unseen):.3f}")
    return results
