"""Logistic regression with targets between 0 and 1, for a whole path of penalties in one program.

The curvature of the loss is nowhere above 1/4 (a logistic each) or 1/2 (one softmax) of that of
least squares (Boehning 1992, "Multinomial logistic regression algorithm"). So one
eigendecomposition of X^T X gives a metric for all penalties and all outputs in which a step of
length 1 always descends; Nesterov's acceleration makes up for what the bound gives away, and starts
afresh where it would climb (O'Donoghue & Candes 2015, "Adaptive restart for accelerated gradient
schemes").
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.probe import LinearProbe, check_penalties

Kind = Literal["each", "softmax"]
_BOUND = {"each": 0.25, "softmax": 0.5}


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
      features: [n, dims] float32.
      targets: [n, outputs] between 0 and 1; for the softmax each row sums to 1.
      penalties: each from the solution of the next larger.
      kind: "each" for an independent logistic regression of every output, "softmax" for one of all.
      tolerance: decrease that the next step promises, as a share of the objective, at which to
        stop; the probe's `excess` is what it was.
      most: iterations after which to stop anyway, at each penalty.

    Returns:
      A probe for each penalty, in the order given; its `decision` are logits.

    Raises:
      ValueError: if targets or penalties cannot be used.
    """
    Cs = np.asarray(penalties, np.float32)
    check_penalties(Cs)
    if np.ndim(targets) != 2 or len(targets) != len(features):
        raise ValueError(
            f"targets {np.shape(targets)} for {len(features)} examples; expected [n, outputs]"
        )
    if not ((np.asarray(targets) >= 0) & (np.asarray(targets) <= 1)).all():
        raise ValueError(
            f"targets from {np.min(targets):g} to {np.max(targets):g}; expected probabilities, "
            "from 0 to 1. Scale them, or tell what is above the mean from what is below"
        )
    order = np.argsort(-Cs)
    X, Y = jnp.asarray(features, jnp.float32), jnp.asarray(targets, jnp.float32)
    weights, bias, excess = _path(X, Y, jnp.asarray(Cs[order]), tolerance, most, kind=kind)
    at = {int(given): place for place, given in enumerate(order)}
    return [
        LinearProbe(weights[at[i]], bias[at[i]], excess[at[i]].max()) for i in range(len(order))
    ]


@partial(jax.jit, static_argnames="kind")
def _path(features, targets, penalties, tolerance, most, *, kind):
    axes = (0,) if kind == "each" else (0, 1)
    total = partial(jnp.sum, axis=axes, keepdims=True)
    mean = features.mean(axis=0, keepdims=True)
    # With centred features the bound has no entries between weights and bias.
    centred = features - mean
    squares, axes_of = jnp.linalg.eigh(product(centred.T, centred))
    turned = product(centred, axes_of)
    curvature = _BOUND[kind] * jnp.maximum(squares, 0)[:, None]
    bias_curvature = _BOUND[kind] * len(features)

    def loss(scores):
        if kind == "softmax":
            return jax.nn.logsumexp(scores, axis=1, keepdims=True) - (targets * scores).sum(
                axis=1, keepdims=True
            )
        return jax.nn.softplus(scores) - targets * scores

    def guess(scores):
        return jax.nn.sigmoid(scores) if kind == "each" else jax.nn.softmax(scores, axis=1)

    def solve(start, penalty):
        metric = curvature + penalty

        def step(carry):
            W, b, past_W, past_b, momentum, _, count = carry
            after = (1 + jnp.sqrt(1 + 4 * momentum**2)) / 2
            share = (momentum - 1) / after
            ahead_W, ahead_b = W + share * (W - past_W), b + share * (b - past_b)
            scores = product(turned, ahead_W) + ahead_b
            missed = guess(scores) - targets
            slope = product(turned.T, missed) + penalty * ahead_W
            slope_b = missed.sum(axis=0, keepdims=True)
            new_W, new_b = ahead_W - slope / metric, ahead_b - slope_b / bias_curvature
            value = total(loss(scores)) + penalty / 2 * total(ahead_W**2)
            promise = total(slope**2 / metric) + total(slope_b**2 / bias_curvature)
            climbs = total(slope * (new_W - W)) + total(slope_b * (new_b - b)) > 0
            after = jnp.where(climbs, 1.0, after)
            return new_W, new_b, W, b, after, promise / 2 / value, count + 1

        def unfinished(carry):
            return (carry[-1] < most) & (carry[-2] > tolerance).any()

        one = jnp.ones_like(total(start[0]))
        begin = (*start, *start, one, jnp.full_like(one, jnp.inf), jnp.int32(0))
        W, b, *_, excess, _ = jax.lax.while_loop(unfinished, step, begin)
        return (W, b), (W, b, excess)

    outputs = targets.shape[1]
    start = jnp.zeros((features.shape[1], outputs)), jnp.zeros((1, outputs))
    _, (W, b, excess) = jax.lax.scan(solve, start, penalties)
    weights = jax.lax.map(lambda each: product(axes_of, each), W)
    return weights, b[:, 0] - jax.lax.map(lambda each: product(mean, each)[0], weights), excess
