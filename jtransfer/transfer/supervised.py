"""Plain supervised training on one domain: the source-only and the train-on-target baselines."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jtransfer.train.step import Loss, Metrics


def cross_entropy(logits: jax.Array, labels: jax.Array) -> Metrics:
    """Label loss and accuracy as (sum, count) pairs.

    Args:
      logits: [batch, classes] float32.
      labels: [batch] integers.
    """
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    correct = logits.argmax(axis=-1) == labels
    count = jnp.asarray(labels.shape[0], jnp.float32)
    return {"label_loss": (losses.sum(), count), "label_accuracy": (correct.sum() * 1.0, count)}


def supervised_loss(net: nn.Module, *, domain: str = "source", domain_index: int = 0) -> Loss:
    """Cross-entropy of a net's class logits on one domain of the batch.

    Args:
      net: a module with `features` and `classify`, such as `jtransfer.nets.ganin`'s.
      domain: key of the batch's domain; `batch[domain]` holds `image` and `label`.
      domain_index: which of the net's per-domain batch-norm statistics are used and moved.

    Returns:
      A loss for `make_step`.
    """

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress
        examples = batch[domain]

        def forward(net: Any):
            features = net.features(examples["image"], train=True, domains=(domain_index,))
            return net.classify(features, train=True)

        logits, new_stats = net.apply(
            {"params": params, **stats},
            method=forward,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        metrics = cross_entropy(logits, examples["label"])
        total, count = metrics["label_loss"]
        return total / count, (new_stats, metrics)

    return loss
