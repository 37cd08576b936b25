"""How much each example counts where classes are of unequal sizes."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

# Each class's own weight, or all classes the same however many examples they have.
ClassWeight = Literal["balanced"] | Sequence[float] | None


def even(labels: np.ndarray) -> np.ndarray:
    """Weights [n] with which every example counts the same."""
    return np.ones(len(labels))


def balanced(labels: np.ndarray) -> np.ndarray:
    """Weights [n] with which every class counts the same, 1 on average (King & Zeng 2001)."""
    counts = np.bincount(labels)
    return len(labels) / ((counts > 0).sum() * counts[labels])


def example_weights(labels: np.ndarray, class_weight: ClassWeight, classes: int) -> np.ndarray:
    """Weights [n] of examples of classes [n], as scikit-learn's `class_weight` has them.

    Args:
      labels: [n] integers.
      class_weight: "balanced", a positive number for every class, or None for 1.
      classes: how many there are.

    Raises:
      ValueError: if the weights are none, or not as many as classes.
    """
    if class_weight is None:
        return even(labels)
    if isinstance(class_weight, str):
        if class_weight == "balanced":
            return balanced(labels)
        raise ValueError(f"class_weight {class_weight!r}; expected 'balanced', numbers or None")
    weights = np.asarray(class_weight, np.float64)
    if weights.shape != (classes,) or not ((weights > 0) & np.isfinite(weights)).all():
        raise ValueError(
            f"class_weight {np.asarray(class_weight).tolist()}; expected a positive number for "
            f"each of the {classes} classes, 'balanced' or None"
        )
    return weights[labels]
