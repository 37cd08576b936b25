"""Checks of what zero-shot methods are given: signatures of classes, seen and unseen."""

from collections.abc import Sequence

import numpy as np

from jtransfer.labels import class_numbers
from jtransfer.transfer.features.extraction import require_finite


def same_signatures(
    signatures: np.ndarray, classes: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """The pairs of classes that no attribute tells apart.

    Args:
      signatures: [classes, attributes].
      classes: their names; by default their numbers.
    """
    values = np.asarray(signatures)
    names = [str(number) for number in range(len(values))] if classes is None else list(classes)
    same = (values[:, None] == values[None]).all(axis=2)
    return [(names[one], names[other]) for one, other in np.argwhere(np.triu(same, 1))]


def require_distinct(signatures: np.ndarray, classes: Sequence[str] | None = None) -> None:
    """Check that the attributes tell every pair of classes apart.

    Raises:
      ValueError: naming the pairs that they don't.
    """
    pairs = same_signatures(signatures, classes)
    if pairs:
        named = ", ".join(f"{one} and {other}" for one, other in pairs[:10])
        more = f" and {len(pairs) - 10} more pairs" if len(pairs) > 10 else ""
        raise ValueError(
            f"{named}{more} have the same attributes; expected some that tell every pair of "
            "classes apart. Add an attribute, or make one class of each pair"
        )


def require_disjoint(seen: Sequence[str], unseen: Sequence[str]) -> None:
    """Check that no class is both seen and unseen, and that there are some of each.

    Raises:
      ValueError: naming the classes that are both.
    """
    both = sorted(set(seen) & set(unseen))
    if both:
        raise ValueError(
            f"{', '.join(both)} are both seen and unseen; expected no training image of an unseen "
            "class. Remove them from one of the two"
        )
    if not len(seen) or not len(unseen):
        raise ValueError(
            f"{len(seen)} seen and {len(unseen)} unseen classes; expected at least one of each"
        )


def learnable(signatures: np.ndarray) -> np.ndarray:
    """Which attributes differ among the classes, so that images can teach them: [attributes] bool.

    Raises:
      ValueError: if there are none.
    """
    differs = np.ptp(np.asarray(signatures), axis=0) > 0
    if not differs.any():
        raise ValueError(
            f"all {differs.size} attributes are constant over the {len(signatures)} seen classes; "
            "expected at least one that differs among them. Choose other seen classes"
        )
    return differs


def check_seen(features: np.ndarray, labels: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Check examples of seen classes.

    Args:
      features: [n, dims].
      labels: [n] rows of `signatures`.
      signatures: [classes, attributes] of the seen classes.

    Returns:
      The labels, [n] int32.

    Raises:
      ValueError: if they do not fit each other, or hold numbers that are not finite.
    """
    if (
        np.ndim(features) != 2
        or np.shape(labels) != np.shape(features)[:1]
        or np.ndim(signatures) != 2
        or not np.size(features)
        or not np.size(signatures)
    ):
        raise ValueError(
            f"features {np.shape(features)}, labels {np.shape(labels)} and signatures "
            f"{np.shape(signatures)}; expected [n, dims], [n] and [classes, attributes]"
        )
    require_finite(features)
    if not np.isfinite(signatures).all():
        row, column = np.argwhere(~np.isfinite(signatures))[0]
        raise ValueError(
            f"attribute {column} of class {row} is {signatures[row, column]}; expected finite "
            "numbers. Complete the table, or fill what is missing by its filled()"
        )
    numbers = class_numbers(labels)
    if numbers.max() >= len(signatures):
        raise ValueError(
            f"labels from {numbers.min()} to {numbers.max()} for {len(signatures)} signatures; "
            "expected the row of each image's class"
        )
    return numbers
