"""Logistic regression with targets between 0 and 1, for a whole path of penalties.

By Newton's method in double precision on the host (`newton`), each penalty from the solution of the
one before: a handful of steps, where first-order methods in float32 need hundreds of a smaller one
and end at a decrease that says nothing of the minimum.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np

from jtransfer.transfer.features.conditioning import conditioned
from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.linear_fit import rounded
from jtransfer.transfer.features.newton import minimise, objective
from jtransfer.transfer.features.probe import LinearProbe

Kind = Literal["each", "softmax"]
_SUMS = 1e-3  # by which a row of shares may miss 1


def fit_logistic(
    features: np.ndarray,
    targets: np.ndarray,
    penalties: Sequence[float],
    *,
    kind: Kind,
    tolerance: float = 1e-5,
    most: int = 500,
) -> list[LinearProbe]:
    """Minimise cross-entropy summed over the examples + penalty / 2 |W|^2, the bias free.

    With targets of 0 and 1 and penalty 1 / C this is scikit-learn's LogisticRegression.

    Args:
      features: [n, dims] float32, of any scale: they are conditioned inside.
      targets: [n, outputs] between 0 and 1; for the softmax each row sums to 1.
      penalties: each from the solution of the next larger.
      kind: "each" for an independent logistic regression of every output, "softmax" for one of all.
      tolerance: excess (see `LinearProbe`) at which to stop.
      most: products with a Hessian after which to stop anyway, at each penalty, with a
        `ConvergenceWarning`.

    Returns:
      A probe for each penalty, in the order given; its `decision` are logits.

    Raises:
      ValueError: if features, targets or penalties cannot be used.
    """
    strengths = np.asarray(penalties, np.float64)
    if not (strengths.size and (strengths > 0).all() and np.isfinite(strengths).all()):
        raise ValueError(
            f"penalties are {strengths.tolist()}; expected positive finite numbers, at least one"
        )
    wanted = _checked(features, targets, kind)
    given = conditioned(features, free_bias=True)
    everyone = np.ones((len(wanted), 1))
    weights = np.zeros((len(given.design.ridge), wanted.shape[1]))
    probes: dict[int, LinearProbe] = {}
    for place in np.argsort(-strengths).tolist():
        C = given.scale**2 / float(strengths[place])
        found = minimise(
            given.design,
            wanted,
            everyone,
            C,
            loss=kind,
            start=weights,
            tolerance=tolerance,
            most=most,
        )
        weights = found.weights
        fit = rounded(
            given,
            found,
            partial(objective, given.design, wanted, everyone, C, loss=kind),
            tolerance=tolerance,
            what=f"the logistic regression at penalty {strengths[place]:g}",
        )
        probes[place] = LinearProbe(*fit)
    return [probes[place] for place in range(len(strengths))]


def _checked(features: np.ndarray, targets: np.ndarray, kind: Kind) -> np.ndarray:
    """The targets [n, outputs] float64."""
    if np.ndim(features) != 2 or np.ndim(targets) != 2 or len(targets) != len(features):
        raise ValueError(
            f"targets {np.shape(targets)} for {len(features)} examples of {np.shape(features)} "
            "features; expected [n, outputs] and [n, dims]"
        )
    require_finite(features)
    wanted = np.asarray(targets, np.float64)
    if not wanted.size:
        raise ValueError("there is no target; expected at least one example and one output")
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise ValueError(
            f"targets from {np.min(wanted):g} to {np.max(wanted):g}; expected probabilities, "
            "from 0 to 1. Scale them, or tell what is above the mean from what is below"
        )
    sums = wanted.sum(axis=1)
    if kind == "softmax" and not np.allclose(sums, 1, atol=_SUMS):
        row = int(np.argmax(np.abs(sums - 1)))
        raise ValueError(
            f"the targets of example {row} sum to {sums[row]:g}; expected 1, the shares of the "
            'classes. Divide by the sum, or take kind="each"'
        )
    constant = np.flatnonzero((wanted == wanted[:1]).all(axis=0) & np.isin(wanted[0], (0, 1)))
    if kind == "each" and constant.size:
        raise ValueError(
            f"output {constant[0]} is {wanted[0, constant[0]]:g} for all examples; expected both "
            "sides, else no finite bias is the best. Leave the output out"
        )
    return wanted
