"""What softmax probes say of examples that they did not see."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.blockwise_fit import linear_models
from jtransfer.transfer.features.probe import Folds, check_examples, cross_validate

_TOLERANCE, _MOST = 1e-3, 100  # far below what labels in doubt differ by


def out_of_fold_probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    penalties: Sequence[float],
    folds: Folds,
    *,
    classes: int,
) -> tuple[np.ndarray, float]:
    """Probabilities of every example by the softmax probe that was fitted without its fold.

    C is chosen by cross-validation on the same folds, which is no honest estimate of the probe's
    accuracy, and does for telling examples apart.

    Args:
      features: [n, dims] float32, finite.
      labels: [n] integers.
      penalties: values of C to choose from.
      folds: positions to train on and to validate on; every example is validated once.
      classes: how many there are.

    Returns:
      Probabilities [n, classes] float32, and the C that was chosen.

    Raises:
      ValueError: as `cross_validate`, or if the folds do not validate every example once.
    """
    labels = check_examples(features, labels, classes)
    validated = np.sort(np.concatenate([validation for _, validation in folds]))
    if not np.array_equal(validated, np.arange(len(labels))):
        raise ValueError(
            f"folds that validate {len(validated):,} of {len(labels):,} examples; expected each "
            "once. Cut them by stratified_folds"
        )
    choice = cross_validate(
        features, labels, penalties, folds, kind="softmax", classes=classes, tolerance=_TOLERANCE
    )
    fit = linear_models(features, np.eye(classes)[labels], "softmax")
    probabilities = np.empty((len(labels), classes), np.float32)
    for train, validation in folds:
        seen = np.zeros((len(labels), 1), np.float32)
        seen[train] = 1
        found = fit.one(seen, choice.C, tolerance=_TOLERANCE, most=_MOST)
        scores = jnp.asarray(features[validation]) @ found.weights + found.bias[None]
        probabilities[validation] = jax.nn.softmax(scores, axis=1)
    return probabilities, choice.C
