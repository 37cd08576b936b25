"""What the losses over two domains share: a batch's images of both, and telling the two apart."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from jtransfer.train.step import Metrics
from jtransfer.transfer.supervised import cross_entropy


def images_of_both(batch: Any) -> jax.Array:
    """The source's images and behind them as many of the target, [2 n, ...].

    Raises:
      ValueError: if the two differ in number or shape.
    """
    source, target = batch["source"]["image"], batch["target"]["image"]
    if source.shape != target.shape:
        raise ValueError(
            f"source images {source.shape} and target images {target.shape} differ in shape; "
            "a batch holds as many of each, of one size"
        )
    return jnp.concatenate([source, target])


def domain_cross_entropy(
    logits: jax.Array,
    *,
    source_weights: jax.Array | None = None,
    target_weights: jax.Array | None = None,
) -> Metrics:
    """Domain loss and accuracy as (sum, count) pairs, over the images of both domains together.

    The mean is half the sum of the domains' means that the papers write (Ganin et al., JMLR 2016,
    eq. 9; Tzeng et al., CVPR 2017, eq. 9).

    Args:
      logits: [2 n], positive for the target; the first half is the source's. The loss is computed
        in float32.
      source_weights: of the losses of the source's examples, [n]; None for 1 each.
      target_weights: of the target's.
    """
    logits = logits.astype(jnp.float32)
    domains = jnp.repeat(jnp.array([0.0, 1.0]), len(logits) // 2)
    losses = optax.sigmoid_binary_cross_entropy(logits, domains)
    halves = jnp.split(losses, 2)
    for half, weights in enumerate((source_weights, target_weights)):
        if weights is not None:
            halves[half] = halves[half] * weights
    losses = jnp.concatenate(halves)
    correct = (logits > 0) == (domains > 0)
    count = jnp.asarray(domains.size, jnp.float32)
    return {"domain_loss": (losses.sum(), count), "domain_accuracy": (correct.sum() * 1.0, count)}


def label_and_domain_loss(
    logits: jax.Array,
    labels: jax.Array,
    domain_logits: jax.Array,
    scale: jax.Array,
    *,
    source_weights: jax.Array | None = None,
    target_weights: jax.Array | None = None,
) -> tuple[jax.Array, Metrics]:
    """The mean label loss plus the mean domain loss, and what both are made of.

    Args:
      logits: of the source's classes, [n, classes].
      labels: of the source, [n].
      domain_logits: as for `domain_cross_entropy`, of features behind gradient reversal.
      scale: lambda of the reversal, for the metrics.
      source_weights: as for `domain_cross_entropy`.
      target_weights: likewise.
    """
    metrics = cross_entropy(logits, labels)
    metrics |= domain_cross_entropy(
        domain_logits, source_weights=source_weights, target_weights=target_weights
    )
    metrics["reversal"] = (scale, jnp.ones(()))
    label_sum, label_count = metrics["label_loss"]
    domain_sum, domain_count = metrics["domain_loss"]
    return label_sum / label_count + domain_sum / domain_count, metrics
