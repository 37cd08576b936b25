"""Linear classifiers on frozen features of images that show several classes."""

import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import gram_matrix, penalty_path, product
from jtransfer.transfer.features.probe import LinearProbe, check_penalties


def fit_multilabel_svm(
    features: np.ndarray,
    labels: np.ndarray,
    C: float,
    *,
    tolerance: float = 1e-5,
    most: int = 1000,
) -> LinearProbe:
    """A linear SVM for each class, on the images that are judged for it.

    The objective of each is that of `fit_svm`. Rank the images by the probe's `decision`, as
    `voc_average_precision` does; its `predict` names one class alone.

    Args:
      features: [n, dims] float32.
      labels: [n, classes], 1 for a class that the image shows, -1 for one that it does not, 0 for
        one that it is left out for, such as VOC's difficult ones.
      C: weight of the loss.
      tolerance: excess (see `LinearProbe`) at which to stop.
      most: iterations after which to stop anyway.

    Raises:
      ValueError: if features, labels or C cannot be used.
    """
    Cs, signs = np.array([C], np.float32), np.asarray(labels)
    _check(features, signs)
    check_penalties(Cs)
    examples = jnp.asarray(features, jnp.float32)
    targets, judged = (jnp.asarray(part, jnp.float32) for part in (signs == 1, signs != 0))
    path = penalty_path(
        gram_matrix(examples), targets, judged[:, None], Cs, tolerance, most, kind="svm"
    )
    weights = product(examples.T, path.coefficients[:, 0])
    return LinearProbe(weights, path.bias[0], path.excess.max())


def _check(features: np.ndarray, signs: np.ndarray) -> None:
    if np.ndim(features) != 2 or signs.ndim != 2 or len(signs) != len(features) or not signs.size:
        raise ValueError(
            f"features {np.shape(features)} and labels {signs.shape}; expected [n, dims] and "
            "[n, classes]"
        )
    require_finite(features)
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(
            f"labels hold {np.unique(signs)[:5].tolist()}; expected 1 (shown), -1 (not shown) and "
            "0 (left out)"
        )
    for sign, meaning in ((1, "shows"), (-1, "is without")):
        there = (signs == sign).any(axis=0)
        if not there.all():
            raise ValueError(
                f"no image {meaning} class {int(np.argmin(there))}; expected some that show every "
                "class (1) and some that do not (-1). Turn zeros and ones into 2 * labels - 1, or "
                "leave the class out"
            )
