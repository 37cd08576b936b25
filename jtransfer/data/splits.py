"""Which examples to train on and which to test on: the literature's splits, by seed."""

from collections.abc import Sequence

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.labels import class_numbers


def per_class_split(
    labels: np.ndarray,
    *,
    train: int,
    test_at_most: int | None = None,
    seed: int,
    classes: Sequence[str] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `train` examples of each class to train on, and test on the rest.

    Caltech-101's protocol is train=30, test_at_most=50, five seeds (Zeiler & Fergus 2013, section
    5.2). With the same seed, the examples to train on do not depend on `test_at_most`.

    Args:
      labels: [n] integers.
      train: examples a class to train on.
      test_at_most: examples a class to test on, or as many as are left; None for all of the rest.
      seed: of the draw.
      classes: names of the classes, for messages, and so that none without examples is overlooked;
        None for the classes that occur.

    Returns:
      Positions to train on, and positions to test on, both ascending.

    Raises:
      DataError: naming the classes with too few examples to train on and leave one to test on.
    """
    if train < 1 or (test_at_most is not None and test_at_most < 1):
        raise DataError(
            f"train={train}, test_at_most={test_at_most}; expected at least 1 example a class of "
            "each"
        )
    asked = f"{train} to train on and at least 1 to test on"
    _require(labels, train + 1, asked, classes, "Train on fewer, add to them, or leave them out")
    random = np.random.default_rng(seed)
    end = None if test_at_most is None else train + test_at_most
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for label in np.unique(labels):
        drawn = random.permutation(np.flatnonzero(labels == label))
        parts[0].append(drawn[:train])
        parts[1].append(drawn[train:end])
    return np.sort(np.concatenate(parts[0])), np.sort(np.concatenate(parts[1]))


def per_group_split(
    labels: np.ndarray, groups: np.ndarray, *, test: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole groups of each class to test on, such as the frames of one track, and no parts.

    Args:
      labels: [n] integers.
      groups: [n] integers, which group of its class each example belongs to.
      test: share of each class's groups to test on, rounded, but at least one group and not all.
      seed: of the draw.

    Returns:
      Positions to train on, and positions to test on, both ascending.

    Raises:
      DataError: naming the classes with fewer than two groups, or for another share.
    """
    if not 0 < test < 1:
        raise DataError(f"a share of {test} of the groups to test on; expected between 0 and 1")
    if groups.shape != labels.shape:
        raise DataError(
            f"groups of shape {groups.shape} for labels of shape {labels.shape}; expected as many "
            "of each. Give each example its group"
        )
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    _require(pairs[0], 2, "one group to train on and one to test on", None)
    random = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = random.permutation(pairs[1, pairs[0] == label])
        count = min(max(round(test * len(own)), 1), len(own) - 1)
        held_out |= (labels == label) & np.isin(groups, own[:count])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def stratified_folds(
    labels: np.ndarray, folds: int, *, seed: int, classes: Sequence[str] | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the examples into folds that have each class in the same share.

    Args:
      labels: [n] integers.
      folds: number of parts; each serves once to validate what the others train.
      seed: of the draw.
      classes: names of the classes, as in `per_class_split`.

    Returns:
      For each fold, the positions to train on and those to validate on, both ascending.

    Raises:
      DataError: naming the classes with fewer examples than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if folds < 2:
        raise DataError(f"{folds} folds; expected at least 2, one to validate what others train")
    _require(labels, folds, f"one for each of the {folds} folds", classes)
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return list(cut.split(np.zeros(len(labels)), labels))


def class_folds(
    classes: Sequence[int] | np.ndarray, folds: int, *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut seen classes into folds, to validate on classes that have no training image.

    Args:
      classes: the seen classes, each once.
      folds: number of parts; each serves once as the unseen classes of the others.
      seed: of the draw.

    Returns:
      For each fold, the classes to train on and those to validate on, both ascending.

    Raises:
      DataError: if a class is there twice, or there are not two classes a fold.
    """
    given = np.asarray(classes)
    if len(np.unique(given)) != len(given) or folds < 2 or len(given) < 2 * folds:
        raise DataError(
            f"{folds} folds of {len(given)} classes, {len(np.unique(given))} of them different; "
            "expected at least 2 folds with 2 classes each, and every class once"
        )
    parts = np.array_split(np.random.default_rng(seed).permutation(given), folds)
    return [(np.setdiff1d(given, part), np.sort(part)) for part in parts]


def _require(
    labels: np.ndarray,
    least: int,
    purpose: str,
    classes: Sequence[str] | None,
    remedy: str = "Add to these classes, or leave them out",
) -> None:
    """Check that every class has enough examples."""
    try:
        labels = class_numbers(labels)
    except ValueError as error:
        raise DataError(str(error)) from None
    counts = np.bincount(labels, minlength=0 if classes is None else len(classes))
    asked = counts > 0 if classes is None else np.ones(len(counts), bool)
    few = np.flatnonzero(asked & (counts < least))
    if few.size:
        names = range(len(counts)) if classes is None else classes
        named = ", ".join(f"{names[label]} has {counts[label]}" for label in few.tolist())
        raise DataError(
            f"too few examples: {named}; expected at least {least} of every class, {purpose}. "
            f"{remedy}"
        )
