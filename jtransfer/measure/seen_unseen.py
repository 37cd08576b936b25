"""How well seen and unseen classes are told together: S, U, H and the curve between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class SeenUnseenCurve:
    """S and U at every calibration: what is taken off the scores of seen classes.

    At `calibration[i]` and up to the next, S is `seen[i]` and U is `unseen[i]`; the first is minus
    infinity, where no unseen class is ever predicted.

    Attributes:
      calibration: [steps] ascending.
      seen: mean accuracy per class of images of seen classes, [steps] descending.
      unseen: mean accuracy per class of images of unseen classes, [steps] ascending.
      area: under S as a function of U, by trapezoids; 0 to 1.
    """

    calibration: NDArray[np.float64]
    seen: NDArray[np.float64]
    unseen: NDArray[np.float64]
    area: float

    def at(self, calibration: float) -> tuple[float, float, float]:
        """S, U and H with `calibration` taken off the scores of seen classes."""
        place = int(np.searchsorted(self.calibration, calibration, side="right")) - 1
        S, U = float(self.seen[place]), float(self.unseen[place])
        return S, U, harmonic_mean(S, U)

    def best_calibration(self) -> float:
        """In the middle of the stretch where H is highest; for images to choose it on."""
        sums = self.seen + self.unseen
        H = 2 * self.seen * self.unseen / np.where(sums > 0, sums, 1)
        place = int(H.argmax())
        ends = self.calibration[place : place + 2]
        finite = ends[np.isfinite(ends)]
        return float(finite.mean()) if finite.size else 0.0


def harmonic_mean(seen: float, unseen: float) -> float:
    """H = 2 S U / (S + U), 0 if both are 0 (Xian et al., TPAMI 2018, equation 19)."""
    return 2 * seen * unseen / (seen + unseen) if seen + unseen > 0 else 0.0


def seen_unseen_curve(scores: ArrayLike, labels: ArrayLike, seen: ArrayLike) -> SeenUnseenCurve:
    """S against U over all calibrations.

    Chao, Changpinyo, Gong & Sha, "An empirical study and analysis of generalized zero-shot
    learning for object recognition in the wild", ECCV 2016 (calibrated stacking and its AUSUC).
    A class without images has no accuracy and is left out of the means.

    Args:
      scores: [n, classes].
      labels: [n] true classes, columns of `scores`.
      seen: [classes] whether there were training images of the class.

    Raises:
      ValueError: if shapes do not fit, a score is not finite, or the images are all of seen or all
        of unseen classes.
    """
    values, true, known = np.asarray(scores, np.float64), np.asarray(labels), np.asarray(seen, bool)
    if values.ndim != 2 or true.shape != values.shape[:1] or known.shape != values.shape[1:]:
        raise ValueError(
            f"scores {values.shape}, labels {true.shape} and seen {known.shape}; expected "
            "[n, classes], [n] and [classes]"
        )
    if not np.isfinite(values).all():
        raise ValueError("scores hold numbers that are not finite; check the model")
    if len(true) and (true.min() < 0 or true.max() >= len(known)):
        raise ValueError(
            f"labels run from {true.min()} to {true.max()}, expected columns of the scores, 0 to "
            f"{len(known) - 1}"
        )
    of_seen = known[true]
    if of_seen.all() or not of_seen.any():
        raise ValueError(
            f"{of_seen.sum()} images of seen and {(~of_seen).sum()} of unseen classes; expected "
            "some of each. Hold out some images of the seen classes"
        )
    best = [np.where(kind, values, -np.inf) for kind in (known, ~known)]
    right = np.where(of_seen, best[0].argmax(1) == true, best[1].argmax(1) == true)
    # An image goes to its best seen class as long as the calibration stays below this.
    turns = best[0].max(axis=1) - best[1].max(axis=1)
    counts = np.bincount(true, minlength=len(known))
    share = (
        right / counts[true] / np.where(of_seen, *((counts[k] > 0).sum() for k in (known, ~known)))
    )
    calibration, place = np.unique(turns, return_inverse=True)
    lost, won = (
        np.bincount(place, np.where(kind, share, 0), len(calibration))
        for kind in (of_seen, ~of_seen)
    )
    # What is not lost yet is summed up from the end, where nothing is left.
    S = np.clip(np.r_[np.cumsum(lost[::-1])[::-1], 0], 0, 1)
    U = np.clip(np.r_[0, np.cumsum(won)], 0, 1)
    area = float(((S[1:] + S[:-1]) / 2 * np.diff(U)).sum())
    return SeenUnseenCurve(np.r_[-np.inf, calibration], S, U, area)
