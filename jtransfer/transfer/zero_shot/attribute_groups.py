"""Attributes in groups of which an image has one each, such as its colour and its shape.

One softmax a group; a class that no image showed is recognised by its row in the table, as by
direct attribute prediction (Lampert, Nickisch & Harmeling, CVPR 2009), where a group of two is one
of the paper's attributes.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jtransfer.train.step import Metrics
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.supervised import cross_entropy

# Probabilities stay this far from 0, for their logarithms.
_LEAST = 1e-6


def group_cross_entropy(logits: jax.Array, places: jax.Array, *, sizes: Sequence[int]) -> Metrics:
    """Label loss, summed over groups, and accuracy, averaged over them, as (sum, count) pairs.

    A criterion for `supervised_loss`: `partial(group_cross_entropy, sizes=sizes)`.

    Args:
      logits: [batch, attributes], group after group.
      places: of each image's attribute within each group, [batch, groups] integers.
      sizes: number of attributes in each group.

    Raises:
      ValueError: if these do not fit each other.
    """
    if places.ndim != 2 or places.shape[1] != len(sizes):
        raise ValueError(
            f"places {places.shape} for groups of {list(sizes)} attributes; expected "
            f"[batch, {len(sizes)}], one place within each group"
        )
    each = [
        cross_entropy(part, places[:, group]) for group, part in enumerate(_split(logits, sizes))
    ]
    count = jnp.asarray(len(logits), jnp.float32)
    loss, right = (
        jnp.stack([metrics[key][0] for metrics in each]).sum()
        for key in ("label_loss", "label_accuracy")
    )
    return {"label_loss": (loss, count), "label_accuracy": (right, count * len(sizes))}


def group_probabilities(logits: jax.Array, *, sizes: Sequence[int]) -> jax.Array:
    """Softmax within each group: [n, attributes], every group of each row sums to 1.

    Arguments and errors as for `group_cross_entropy`.
    """
    return jnp.concatenate([jax.nn.softmax(part) for part in _split(logits, sizes)], axis=1)


def group_log_odds(probabilities: jax.Array, signatures: jax.Array, prior: jax.Array) -> jax.Array:
    """Log of the product over groups of p(a_m^class | x) / p(a_m^class): scores [n, classes].

    Lampert et al. 2009, equation 2, for attributes of several values.

    Args:
      probabilities: [n, attributes].
      signatures: of the classes, 1 for the attribute of each group that they have and else 0,
        [classes, attributes].
      prior: share of the seen classes that have each attribute, [attributes].
    """
    there = jnp.log(jnp.maximum(probabilities, _LEAST))
    return product(there - jnp.log(jnp.maximum(prior, _LEAST))[None], signatures.T)


def _split(logits: jax.Array, sizes: Sequence[int]) -> list[jax.Array]:
    if logits.ndim != 2 or logits.shape[1] != sum(sizes):
        raise ValueError(
            f"logits {logits.shape} for groups of {list(sizes)} attributes; expected "
            f"[n, {sum(sizes)}], one for each attribute"
        )
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [logits[:, end - size : end] for end, size in zip(ends, sizes, strict=True)]
