"""Linear classifiers on frozen features of images that show several classes."""

import numpy as np

from jtransfer.labels import class_signs
from jtransfer.transfer.features.blockwise_fit import linear_models
from jtransfer.transfer.features.extraction import require_finite
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
      most: iterations after which to stop anyway, with a `ConvergenceWarning`.

    Raises:
      ValueError: if features, labels or C cannot be used.
    """
    signs = _check(features, labels)
    check_penalties(np.array([C]))
    fit = linear_models(features, signs == 1, "svm")
    return LinearProbe(*fit.one(signs != 0, C, tolerance=tolerance, most=most))


def _check(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shape = np.shape(labels)
    if np.ndim(features) != 2 or len(shape) != 2 or shape[0] != len(features) or not shape[1]:
        raise ValueError(
            f"features {np.shape(features)} and labels {shape}; expected [n, dims] and [n, classes]"
        )
    require_finite(features)
    signs = class_signs(labels)
    for sign, meaning in ((1, "shows"), (-1, "is without")):
        there = (signs == sign).any(axis=0)
        if not there.all():
            raise ValueError(
                f"no image {meaning} class {int(np.argmin(there))}; expected some that show every "
                "class (1) and some that do not (-1). Turn zeros and ones into 2 * labels - 1, or "
                "leave the class out"
            )
    return signs
