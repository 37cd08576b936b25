"""Losses of a task over those examples of a batch that have a label of it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from jtransfer.labels import integers, known
from jtransfer.train.step import Metrics

Criterion = Callable[[jax.Array, jax.Array], Metrics]


def masked_cross_entropy(logits: jax.Array, labels: jax.Array) -> Metrics:
    """Loss and accuracy of a task of classes, over the examples that have a label.

    Args:
      logits: [batch, classes]; the loss is computed in float32.
      labels: [batch] integers, -1 where the label is missing; any other that is no class makes the
        loss NaN and has no gradient.

    Returns:
      "loss" and "accuracy" as (sum, count) pairs, whose count may be 0.
    """
    labels = integers(labels).astype(jnp.int32)
    there = labels != -1
    filled, logits = jnp.where(there, labels, 0), logits.astype(jnp.float32)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, filled)
    losses = known(losses, filled, logits.shape[-1])
    count = there.sum() * 1.0
    correct = there & (logits.argmax(axis=-1) == labels)
    return {
        "loss": (jnp.where(there, losses, 0.0).sum(), count),
        "accuracy": (correct.sum() * 1.0, count),
    }


def masked_squared_error(outputs: jax.Array, targets: jax.Array) -> Metrics:
    """Squared and absolute error of a task of one number, over the examples that have it.

    Args:
      outputs: [batch, 1]; the errors are computed in float32.
      targets: [batch] floats, NaN where the target is missing.

    Returns:
      "loss" and "error" as (sum, count) pairs, whose count may be 0.
    """
    there = ~jnp.isnan(targets)
    # The targets, not the errors: a gradient is NaN behind a `where` as well.
    errors = outputs[:, 0].astype(jnp.float32) - jnp.where(there, targets, 0.0)
    errors = jnp.where(there, errors, 0.0)
    count = there.sum() * 1.0
    return {"loss": ((errors**2).sum(), count), "error": (jnp.abs(errors).sum(), count)}
