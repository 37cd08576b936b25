"""A linear classifier on frozen features, judged on random splits of them.

The protocol of Zeiler & Fergus ("Visualizing and understanding convolutional networks", ECCV 2014,
sections 5.2 and 5.3) on Caltech: so many images a class to train on, up to so many of the rest to
test on, mean accuracy per class. C is chosen by cross-validation inside each training set.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jtransfer.data.splits import per_class_split, stratified_folds
from jtransfer.measure import mean_per_class_accuracy
from jtransfer.recipes.features.labelled_rows import labelled_rows
from jtransfer.recipes.features.scaling import Scaling, scaled
from jtransfer.transfer.features.penalty_path import Kind
from jtransfer.transfer.features.probe import cross_validate

HEADS: dict[str, str] = {"svm": "SVM", "softmax": "softmax"}  # what tables call them
# Powers of four around the C that suits features of length 1.
PENALTIES = tuple(4.0**power for power in range(-3, 5))


@dataclass(frozen=True)
class Protocol:
    """How classifiers are trained and tested.

    Attributes:
      scaling: of the features, see `scaled`.
      train: images a class to train on.
      test_at_most: images a class to test on, of the rest; None for all.
      folds: random splits into training and test images.
      inner_folds: of each training set, to choose C.
      penalties: values of C to choose from.

    Raises:
      ValueError: if there is no fold.
    """

    scaling: Scaling = "l2"
    train: int = 30
    test_at_most: int | None = 50
    folds: int = 5
    inner_folds: int = 5
    penalties: Sequence[float] = PENALTIES

    def __post_init__(self):
        """Check that there is something to measure."""
        if self.folds < 1:
            raise ValueError(f"{self.folds} folds; expected at least one to train and test on")


def probe_layer(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    classes: Sequence[str],
    kind: Kind,
    protocol: Protocol | None = None,
    present: np.ndarray | None = None,
) -> dict[str, Any]:
    """Train and test a classifier on every fold.

    Args:
      features: [n, dims] of one layer; memory-mapped ones are read by the rows that a fold takes.
      labels: [n] integers, positions in `classes`.
      classes: their names.
      kind: "svm" or "softmax".
      protocol: how; by default that of the paper with 30 images a class.
      present: [n] bool, as `Features.present`: False where there is no image. None for all.

    Returns:
      {"dims": of the features, "measured": a `probe_fold` for every fold}.

    Raises:
      DataError: if a class has too few images.
      ValueError: if features, labels or the protocol cannot be used.
    """
    protocol = protocol or Protocol()
    rows, labels = labelled_rows(features, labels, classes=len(classes), present=present)
    measured = [
        probe_fold(features, labels, rows, fold, classes=classes, kind=kind, protocol=protocol)
        for fold in range(protocol.folds)
    ]
    return {"dims": features.shape[1], "measured": measured}


def probe_fold(
    features: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    fold: int,
    *,
    classes: Sequence[str],
    kind: Kind,
    protocol: Protocol,
) -> dict[str, Any]:
    """Choose C on a fold's training images, train on all of them, and test.

    Args:
      features: [n, dims] of one layer.
      labels: [r] integers, positions in `classes`.
      rows: [r] rows of the features that they are of.
      fold: its number, the seed of its split.
      classes: names of the classes.
      kind: "svm" or "softmax".
      protocol: how.

    Returns:
      "accuracy", the mean accuracy per class on the test images; "C", that was chosen;
      "validation", by cross-validation, for each C in ascending order; "seconds".

    Raises:
      DataError: if a class has too few images.
      ValueError: if the features or the protocol cannot be used.
    """
    train, test = per_class_split(
        labels,
        train=protocol.train,
        test_at_most=protocol.test_at_most,
        seed=fold,
        classes=classes,
    )
    chosen, known = np.concatenate([train, test]), len(train)
    values = scaled(features[rows[chosen]], protocol.scaling, train=known)
    began = time.perf_counter()
    inner = stratified_folds(labels[train], protocol.inner_folds, seed=fold, classes=classes)
    choice = cross_validate(
        values[:known], labels[train], protocol.penalties, inner, kind=kind, classes=len(classes)
    )
    guesses = np.asarray(choice.probe.predict(values[known:]))
    accuracy = mean_per_class_accuracy(guesses, labels[test], len(classes))
    seconds = time.perf_counter() - began
    print(
        f"  fold {fold}: C = {choice.C:g} of {len(protocol.penalties)} by cross-validation, "
        f"mean accuracy per class {accuracy:.4f}, {seconds:.1f} s",
        flush=True,
    )
    return {
        "accuracy": accuracy,
        "C": choice.C,
        "validation": [round(score, 4) for score in choice.scores.mean(axis=1).tolist()],
        "seconds": round(seconds, 1),
    }
