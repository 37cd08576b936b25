"""How well the scores of a class rank the images that show it: average precision as VOC defines it.

Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 2010, section 4.2.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def voc_average_precision(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    interpolation: Literal["11-point", "all-point"],
) -> NDArray[np.float64]:
    """Average precision of every class; their mean is the number that VOC reports.

    A class's images are ranked by falling score, equal scores in the order given, as the devkit's
    stable sort leaves them, and difficult ones are left out. With the interpolated precision at
    recall r, the highest precision at any recall of at least r,

    - "11-point" (VOC2007 to VOC2009) is its mean over r = 0, 0.1, ..., 1. Recalls are compared with
      these in whole numbers: 3 of 10 reaches 0.3, which the devkit's 0:0.1:1 rounds to a little
      more;
    - "all-point" (VOC2010 and later) is its mean over the recalls that occur, that is the area
      under it: never below scikit-learn's `average_precision_score`, which does not interpolate,
      if no scores are equal.

    Args:
      scores: [n, classes] float, higher for what is more likely there; -inf for what was not
        scored.
      labels: [n, classes], 1 for a class that the image shows, -1 for one that it does not, 0 for
        one of which it shows nothing but difficult objects.
      interpolation: "11-point" or "all-point".

    Returns:
      [classes], each between 0 and 1.

    Raises:
      ValueError: if the arrays do not fit, a score is NaN, a label is another number, none is -1,
        or a class has no image that shows it.
    """
    if interpolation not in ("11-point", "all-point"):
        raise ValueError(
            f"interpolation {interpolation!r}; expected '11-point' (VOC2007) or 'all-point' "
            "(VOC2010 and later)"
        )
    given, true = np.asarray(scores, np.float64), np.asarray(labels)
    _check(given, true)
    classes = zip(given.T, true.T, strict=True)
    return np.array([_of_a_class(*each, interpolation == "11-point") for each in classes])


def _of_a_class(scores: NDArray, labels: NDArray, eleven: bool) -> float:
    scores, shows = scores[labels != 0], labels[labels != 0] == 1
    shows = shows[np.argsort(-scores, kind="stable")]
    found = np.cumsum(shows)
    precision = found / np.arange(1, len(found) + 1)
    interpolated = np.maximum.accumulate(precision[::-1])[::-1]
    if eleven:
        # The first rank at which 10 * found / found[-1] is at least 0, 1, ..., 10.
        return float(interpolated[np.searchsorted(10 * found, np.arange(11) * found[-1])].mean())
    return float(interpolated[shows].mean())


def _check(scores: NDArray, labels: NDArray) -> None:
    if scores.ndim != 2 or scores.shape != labels.shape or not scores.size:
        raise ValueError(
            f"scores {scores.shape} and labels {labels.shape}; expected [n, classes] of both, "
            "none of them empty"
        )
    if np.isnan(scores).any():
        image, column = np.argwhere(np.isnan(scores))[0]
        raise ValueError(
            f"the score of class {column} for image {image} is NaN; expected a number. Give -inf "
            "to what was not scored"
        )
    if not np.isin(labels, (-1, 0, 1)).all() or not (labels == -1).any():
        raise ValueError(
            f"labels hold {np.unique(labels)[:5].tolist()}; expected 1 (shown), -1 (not shown) and "
            "0 (difficult, ignored), with some -1. Turn zeros and ones into 2 * labels - 1"
        )
    shown = (labels == 1).any(axis=0)
    if not shown.all():
        raise ValueError(
            f"no image shows class {int(np.argmin(shown))}; expected at least one of every class. "
            "Leave its column out, or take more images"
        )
