"""A block of examples, on one device, and what the descent of linear models asks of it.

Sums over a block, [dims, groups, outputs] and smaller, are what leaves the device.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.penalty_path import LOSSES, Kind, product


class Block(NamedTuple):
    """Some examples, on one device.

    Attributes:
      features: [b, dims] float32, the last one that of the bias.
      targets: [b, outputs] float32, 1 for what an example shows, else 0.
      judged: how much an example counts in each model or fold, [b, masks] float32.
    """

    features: jax.Array
    targets: jax.Array
    judged: jax.Array


def device_of(block: Block):
    """The one that it lies on."""
    (device,) = block.features.devices()
    return device


def beside(block: Block, weights: np.ndarray) -> jax.Array:
    """Weights on a block's device."""
    return jax.device_put(np.asarray(weights, np.float32), device_of(block))


@jax.jit
def products_of(features):
    """Of every two features, [dims, dims]."""
    return product(features.T, features)


@jax.jit
def scores_by(features, weights):
    """Scores [b, ...] by weights [dims, ...]."""
    flat = weights.reshape(len(weights), -1)
    return product(features, flat).reshape(len(features), *weights.shape[1:])


@jax.jit
def moved_on(scores, move, length):
    """Scores [b, groups, outputs] after a way of so much length, [groups]."""
    return scores + length[None, :, None] * move


@partial(jax.jit, static_argnames="kind")
def of_problems(block: Block, masks, classes, *, kind: Kind):
    """Targets [b, 1 or groups, outputs] and masks [b, groups, 1] of the problems."""
    judged = block.judged[:, masks][..., None]
    if kind == "softmax":
        return block.targets[:, None, :], judged
    # Bytes, for of many classes and folds there are more of them than features.
    return block.targets[:, classes][..., None].astype(jnp.int8), judged


@partial(jax.jit, static_argnames="kind")
def gradient_of(features, targets, judged, scores, *, kind: Kind):
    """Sums over a block: the loss's gradient by the weights, the loss, its curvature, twice."""
    loss = LOSSES[kind]
    slopes = loss.slope(scores, targets) * judged
    flat = slopes.reshape(len(slopes), -1)
    gradient = product(features.T, flat).reshape(-1, *slopes.shape[1:])
    value = _total(loss.value(scores, targets) * judged).sum(1)
    curvature = loss.curvature(scores, targets) * judged
    bend, bias_bend = _total(curvature), _total(curvature, jnp.square(features[:, -1]))
    return gradient, value, bend, bias_bend


@partial(jax.jit, static_argnames="kind")
def bends_of(targets, judged, scores, *, kind: Kind):
    """Curvature [b, groups] of each example's loss."""
    return (LOSSES[kind].curvature(scores, targets) * judged)[..., 0]


@partial(jax.jit, static_argnames="kind")
def derivatives_along(_, targets, judged, scores, moved, length, *, kind: Kind):
    """First and second derivative [groups] of a block's loss along a way."""
    loss = LOSSES[kind]
    there = scores + length[None, :, None] * moved
    slope = _total(loss.slope(there, targets) * moved * judged).sum(1)
    bend = _total(loss.bend(there, targets, moved) * judged).sum(1)
    return slope, bend


def _total(values, weights=None):
    """Sums [groups, outputs] over the examples of values [b, groups, outputs], as a product.

    A sum over rows XLA:CPU fuses with what is summed, and takes ten times as long for both.
    """
    weights = jnp.ones(len(values)) if weights is None else weights
    flat = values.reshape(len(values), -1)
    return product(weights[None], flat).reshape(values.shape[1:])
