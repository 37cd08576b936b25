"""Plain supervised training on one domain: the source-only and the train-on-target baselines."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jtransfer.labels import integers, known, signs
from jtransfer.train.step import Loss, Metrics
from jtransfer.train.whole_batch import mean_over_batch


def cross_entropy(
    logits: jax.Array,
    labels: jax.Array,
    *,
    smoothing: float = 0.0,
    class_weight: jax.Array | None = None,
) -> Metrics:
    """Label loss and accuracy as (sum, count) pairs.

    Args:
      logits: [batch, classes]; the loss is computed in float32.
      labels: [batch] integers, of which one that is no class makes the loss NaN and has no
        gradient; or [batch, classes] shares that sum to 1, as mixup makes them, of
        which the largest names the class that the accuracy counts.
      smoothing: share of every label that is spread evenly over all classes (Szegedy et al. 2016,
        section 7).
      class_weight: [classes], how much each class's examples count, that of shares being their
        mean; the loss is the weighted mean. The accuracy counts all alike.
    """
    logits = logits.astype(jnp.float32)
    labels = integers(labels) if labels.ndim == 1 else labels
    hard = labels if labels.ndim == 1 else labels.argmax(axis=-1)
    if labels.ndim == 1 and not smoothing:
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    else:
        soft = jax.nn.one_hot(labels, logits.shape[-1]) if labels.ndim == 1 else labels
        losses = optax.softmax_cross_entropy(logits, optax.smooth_labels(soft, smoothing))
    losses = known(losses, labels, logits.shape[-1]) if labels.ndim == 1 else losses
    correct = logits.argmax(axis=-1) == hard
    count = weight = jnp.asarray(labels.shape[0], jnp.float32)
    if class_weight is not None:
        shares = jax.nn.one_hot(labels, logits.shape[-1]) if labels.ndim == 1 else labels
        weights = jnp.matmul(shares, jnp.asarray(class_weight, jnp.float32), precision="highest")
        losses, weight = weights * losses, weights.sum()
    return {"label_loss": (losses.sum(), weight), "label_accuracy": (correct.sum() * 1.0, count)}


def sigmoid_cross_entropy(logits: jax.Array, labels: jax.Array) -> Metrics:
    """Label loss and accuracy where an image has several labels, each class a problem of its own.

    Both count each class of each image once, those that are not to be judged apart. Where most
    classes are absent, the accuracy is high whatever is learned: judge by
    `jtransfer.measure.average_precision`.

    Args:
      logits: [batch, classes], above 0 where a class is predicted; the loss is computed in float32.
      labels: [batch, classes], 1 for a class that the image shows, -1 for one that it does not, 0
        for one that is not to be judged, such as VOC's difficult ones; NaN is the loss of others.

    Raises:
      ValueError: if the labels' type has no -1, or those in memory have zeros and ones only.
    """
    logits = logits.astype(jnp.float32)
    labels = signs(labels)
    judged = labels != 0
    losses = jnp.where(judged, jax.nn.softplus(-labels * logits), 0.0)
    correct = judged & ((logits > 0) == (labels > 0))
    # So little is no number of labels, and where nothing is to be judged there is a quotient.
    count = jnp.maximum(judged.sum() * 1.0, 1e-30)
    return {"label_loss": (losses.sum(), count), "label_accuracy": (correct.sum() * 1.0, count)}


def supervised_loss(
    net: nn.Module,
    *,
    domain: str = "source",
    domain_index: int = 0,
    criterion: Callable[[jax.Array, jax.Array], Metrics] = cross_entropy,
) -> Loss:
    """Cross-entropy of a net's class logits on one domain of the batch.

    Args:
      net: a module with `features` and `classify`, such as `jtransfer.nets.ganin`'s.
      domain: key of the batch's domain; `batch[domain]` holds `image` and `label`.
      domain_index: which of the net's per-domain batch-norm statistics are used and moved.
      criterion: metrics of logits and labels, whose "label_loss" is minimised, its sum over the
        batch divided by its count:
        `cross_entropy`, `partial(cross_entropy, smoothing=0.1)`, or `sigmoid_cross_entropy` where
        an image has several labels.

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
        metrics = criterion(logits, examples["label"])
        return mean_over_batch(*metrics["label_loss"]), (new_stats, metrics)

    return loss
