"""Which dimension the subspaces should have, found without a label of the target."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from jtransfer.transfer.adaptation.subspace import PrincipalAxes, require_domains

# What B is read as in the paper's bound: the largest squared length of a centred feature vector, or
# the largest length.
Radius = Literal["squared length", "length"]


def stable_dimension(
    source: np.ndarray,
    target: np.ndarray,
    *,
    gamma: float = 1e5,
    delta: float = 0.1,
    radius: Radius = "squared length",
) -> int:
    """The largest subspaces whose alignment can be trusted; no label is needed.

    With probability 1 - delta the alignment found is within gamma of that of infinitely many
    examples if, for both domains, the variances lambda of the axes fall after the d-th by

        lambda_d - lambda_(d+1) >= (1 + sqrt(ln(2 / delta) / 2)) 16 d^1.5 B / (gamma sqrt(n)),

    n being the smaller number of examples (Fernando et al., ICCV 2013, section 3.3, theorem 2 and
    what follows it, with its gamma and delta). The lemma it comes from (Zwald & Blanchard, NIPS
    2005) bounds the kernel k(x, x), a squared length, and only so is d the same in every unit. With
    B as a length, d grows with the unit that the features have; on histograms scaled to variance 1
    it is of the order that the paper shows.

    Args:
      source: [n, dims] float32.
      target: [m, dims].
      gamma: the deviation allowed.
      delta: probability that the bound fails.
      radius: what B is, of the centred feature vector that is farthest out.

    Returns:
      The largest such d below dims and both numbers of examples less 1; at least 1.

    Raises:
      ValueError: if the features do not fit each other, or gamma, delta or radius cannot be used.
    """
    require_domains(source, target)
    if not (0 < gamma < math.inf and 0 < delta < 1):
        raise ValueError(
            f"gamma is {gamma} and delta {delta}; expected a positive finite gamma and a "
            "probability delta between 0 and 1"
        )
    axes = PrincipalAxes.of(source), PrincipalAxes.of(target)
    return stable(*axes, gamma=gamma, delta=delta, radius=radius)


def stable(
    source: PrincipalAxes,
    target: PrincipalAxes,
    *,
    gamma: float = 1e5,
    delta: float = 0.1,
    radius: Radius,
) -> int:
    """`stable_dimension` of axes that are at hand."""
    if radius not in get_args(Radius):
        raise ValueError(f"radius is {radius!r}; expected one of {', '.join(get_args(Radius))}")
    examples = min(source.examples, target.examples)
    most = min(len(source.variances), examples - 1)
    gaps = -np.maximum(np.diff(source.variances), np.diff(target.variances))
    farthest = max(source.lengths.max(), target.lengths.max())
    B = farthest**2 if radius == "squared length" else farthest
    d = np.arange(1, most)
    needed = (1 + math.sqrt(math.log(2 / delta) / 2)) * 16 * d**1.5 * B
    found = d[gaps[: most - 1] >= needed / (gamma * math.sqrt(examples))]
    return int(found.max()) if found.size else 1


def dimensions_to_try(most: int) -> list[int]:
    """4, 16, 64 and 256, up to `most`; all where that is below 4.

    They are far apart because neighbours err alike and would vote as one in `agreement`.
    """
    return [d for d in (4, 16, 64, 256) if d <= most] or list(range(1, most + 1))


def agreement(guesses: Sequence[np.ndarray]) -> np.ndarray:
    """How far each of several classifiers agrees with all of them on examples without labels.

    Args:
      guesses: of each classifier, classes [m] of the same examples.

    Returns:
      [classifiers]: the share of examples, mean over all classifiers, on which it says the same.
    """
    votes = np.asarray(guesses)
    return np.array([np.mean(votes == own[None]) for own in votes])
