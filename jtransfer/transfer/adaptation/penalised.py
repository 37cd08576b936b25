"""Losses of two domains: the source's label loss, and a penalty on how a net sees both."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.domain_batch import images_of_both
from jtransfer.transfer.supervised import cross_entropy


class Seen(NamedTuple):
    """What a net makes of a batch of both domains, in float32.

    Attributes:
      source_features: [n, dims].
      target_features: [n, dims].
      source_logits: of the classes, [n, classes].
      target_logits: [n, classes].
      labels: of the source, [n].
    """

    source_features: jax.Array
    target_features: jax.Array
    source_logits: jax.Array
    target_logits: jax.Array
    labels: jax.Array


Penalty = Callable[[Seen], jax.Array]


def see_both(net: nn.Module, params: Any, stats: Any, batch: Any, rng: Any) -> tuple[Seen, Any]:
    """One pass of both domains' images through a net in training, and its new statistics."""
    images = images_of_both(batch)

    def forward(net: Any):
        features = net.features(images, train=True, domains=(0, 1))
        return features, net.classify(features, train=True)

    (features, logits), new_stats = net.apply(
        {"params": params, **stats}, method=forward, mutable=list(stats), rngs={"dropout": rng}
    )
    of_source, of_target = jnp.split(features.astype(jnp.float32), 2)
    source_logits, target_logits = jnp.split(logits.astype(jnp.float32), 2)
    labels = batch["source"]["label"]
    return Seen(of_source, of_target, source_logits, target_logits, labels), new_stats


def penalised_loss(
    net: nn.Module,
    name: str,
    penalty: Penalty,
    *,
    weight: Callable[[jax.Array], jax.Array] | float,
) -> Loss:
    """The source's label loss plus a weighted penalty on what a net makes of both domains.

    The target's labels are not looked at. A penalty that compares the examples of a batch with each
    other does so within each part, where the batch comes in parts.

    Args:
      net: a module with `features` and `classify`.
      name: of the penalty among the metrics.
      penalty: from what was seen to a scalar.
      weight: of the penalty, or from progress, 0 to 1, to it.

    Returns:
      A loss for `make_step`; batches hold `source` (`image`, `label`) and as many `target`
      (`image`) examples.

    Raises:
      ValueError: if a constant weight is negative or not finite.
    """
    if not callable(weight) and not 0 <= weight < float("inf"):
        raise ValueError(f"weight is {weight}; expected a number of 0 or more")

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        seen, new_stats = see_both(net, params, stats, batch, rng)
        metrics = cross_entropy(seen.source_logits, seen.labels)
        total, count = metrics["label_loss"]
        value = penalty(seen)
        metrics[name] = value, jnp.ones(())
        scale = weight(progress) if callable(weight) else weight
        return total / count + scale * value, (new_stats, metrics)

    return loss
