"""What is wrong with a folder of images: unreadable files, duplicates, doubtful labels."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.unreadable import LEAVE_OUT, OnUnreadable, check_on_unreadable
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.duplicates import Duplicates, find_duplicates
from jtransfer.data.intake.image_folder import ImageFolder, image_folder
from jtransfer.data.intake.look import Looked, look
from jtransfer.data.splits import stratified_folds
from jtransfer.measure.label_doubt import LabelDoubt, doubt_labels
from jtransfer.recipes.features.scaling import scaled
from jtransfer.transfer.features.out_of_fold import out_of_fold_probabilities

TRUNK = "efficientnet_lite0"
FOLDS = 5
FEWEST = 10  # images of a class, below which it is called small
_PENALTIES = tuple(4.0**power for power in range(-1, 4))  # of features of length 1


@dataclass(frozen=True, eq=False)
class Doubtful:
    """An image whose label the others doubt.

    Attributes:
      row: its position in the folder.
      guess: the class that they speak for.
      probability: of that class, by a probe that did not see the image.
      given: probability of the label.
    """

    row: int
    guess: str
    probability: float
    given: float


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found; positions are those of the folder's images.

    Attributes:
      folder: the images as listed.
      looked: what was seen of each.
      duplicates: groups of the same image.
      doubtful: images whose label is doubted, the most doubtful first.
      ranking: all images whose label was judged, the most doubtful first; None if none was.
      unjudged: why labels were not judged, or whose, in a sentence; "" if all were.
    """

    folder: ImageFolder
    looked: Looked
    duplicates: tuple[Duplicates, ...]
    doubtful: tuple[Doubtful, ...]
    ranking: np.ndarray | None
    unjudged: str

    @cached_property
    def leaks(self) -> tuple[Duplicates, ...]:
        """Duplicates that lie in two splits: what is tested on was trained on."""
        splits = self.folder.splits
        return tuple(
            each for each in self.duplicates if len({*splits[list(each.rows)].tolist()}) > 1
        )

    @cached_property
    def contradictions(self) -> tuple[Duplicates, ...]:
        """Duplicates that lie in two classes."""
        labels = self.folder.labels
        return tuple(
            each
            for each in self.duplicates
            if len({label for label in labels[list(each.rows)].tolist() if label >= 0}) > 1
        )

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Readable images by class and split; "" for those without."""
        splits = sorted(set(self.folder.splits.tolist()))
        rows = self.looked.readable()
        labels, parts = self.folder.labels[rows], self.folder.splits[rows]
        named = [*enumerate(self.folder.classes)]
        if (self.folder.labels < 0).any():
            named.append((-1, ""))
        return {
            name: {split: int(((labels == number) & (parts == split)).sum()) for split in splits}
            for number, name in named
        }

    @cached_property
    def small_classes(self) -> dict[str, int]:
        """Classes of fewer than ten readable images, and how many these are."""
        totals = {name: sum(each.values()) for name, each in self.counts.items() if name}
        return {name: total for name, total in totals.items() if total < FEWEST}


def audit(
    folder: ImageFolder | Path | str,
    *,
    features: Callable[[ImageFiles], np.ndarray] | None = None,
    judge_labels: bool = True,
    cache_folder: Path = Path("checkpoints/features"),
    on_unreadable: OnUnreadable = "skip",
    workers: int = 2,
) -> Audit:
    """Look a folder of images over.

    Every image is decoded once: sizes, files that cannot be read, duplicates by their bytes and to
    the eye (`find_duplicates`). Where there are labels, a softmax probe of EfficientNet-Lite0's
    features is cross-validated, and what it says of the images that it did not see tells which
    labels are doubtful (`doubt_labels`).

    Args:
      folder: a path as `image_folder` takes it, or what it gives.
      features: [n, dims] of image files; by default those of EfficientNet-Lite0, from the cache as
        far as they are there.
      judge_labels: False leaves the labels, and takes no weights of a net.
      cache_folder: of the default features.
      on_unreadable: "skip" lists the files that cannot be read, "stop" ends at them.
      workers: threads, then processes, that decode.

    Raises:
      DataError: if the folder cannot be listed, as `image_folder`; or a file cannot be read and
        `on_unreadable` is "stop".
    """
    check_on_unreadable(on_unreadable)
    listed = folder if isinstance(folder, ImageFolder) else image_folder(folder)
    looked = look(listed.paths, what=listed.root.name, workers=max(1, workers))
    if looked.unreadable and on_unreadable == "stop":
        raise DataError(f"{next(iter(looked.unreadable.values()))}. {LEAVE_OUT}")
    rows, unjudged = _judged(listed, looked) if judge_labels else (np.empty(0, int), "Not asked.")
    doubtful, ranking = (), None
    if len(rows):
        take = features or _default_features(cache_folder, workers)
        doubtful, ranking = _doubted(listed, rows, take)
    duplicates = tuple(find_duplicates(looked))
    return Audit(listed, looked, duplicates, doubtful, ranking, unjudged)


def _judged(folder: ImageFolder, looked: Looked) -> tuple[np.ndarray, str]:
    """Positions of the images whose labels can be judged, and which cannot."""
    rows = looked.readable()
    rows = rows[folder.labels[rows] >= 0]
    if not len(rows):
        return rows, "There are no labels to judge."
    counts = np.bincount(folder.labels[rows], minlength=len(folder.classes))
    few = [name for name, count in zip(folder.classes, counts, strict=True) if count < FOLDS]
    if len(folder.classes) - len(few) < 2:
        return rows[:0], (
            f"Labels were not judged: it takes two classes of {FOLDS} images each to compare."
        )
    unjudged = (
        f"Labels of {len(few)} classes of fewer than {FOLDS} images were not judged: "
        f"{', '.join(few[:5])}{', ...' if len(few) > 5 else ''}."
    )
    return rows[counts[folder.labels[rows]] >= FOLDS], unjudged if few else ""


def _doubted(
    folder: ImageFolder, rows: np.ndarray, features: Callable[[ImageFiles], np.ndarray]
) -> tuple[tuple[Doubtful, ...], np.ndarray]:
    kept, labels = np.unique(folder.labels[rows], return_inverse=True)
    classes = [folder.classes[number] for number in kept]
    paths = tuple(folder.paths[row] for row in rows)
    taken = features(ImageFiles(paths, labels, tuple(classes), folder.name))
    probabilities, _ = out_of_fold_probabilities(
        scaled(taken),
        labels,
        _PENALTIES,
        stratified_folds(labels, FOLDS, seed=0),
        classes=len(classes),
    )
    doubt: LabelDoubt = doubt_labels(probabilities, labels)
    doubtful = tuple(
        Doubtful(
            int(rows[place]),
            classes[doubt.guesses[place]],
            float(probabilities[place, doubt.guesses[place]]),
            float(probabilities[place, labels[place]]),
        )
        for place in doubt.suspects
    )
    return doubtful, rows[doubt.order()]


def _default_features(cache_folder: Path, workers: int) -> Callable[[ImageFiles], np.ndarray]:
    """The last layer of EfficientNet-Lite0, averaged over the pixels."""
    from jtransfer.recipes.features.deep_features import deep_features

    def features(files: ImageFiles) -> np.ndarray:
        found = deep_features(
            TRUNK, files, layers=("top",), cache_folder=cache_folder, workers=workers
        )
        return found.layers["top"]

    return features
