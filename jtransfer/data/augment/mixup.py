"""Mixup: training on mixtures of two examples and of their labels (Zhang et al., ICLR 2018)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.labels import one_hot


def mixup(
    alpha: float, *, classes: int, domain: str = "source"
) -> Callable[[jax.Array, Any], dict[str, Any]]:
    """Mix every example of a batch with another one of it (section 2).

    x = lambda x_i + (1 - lambda) x_j and y likewise, lambda from Beta(alpha, alpha), drawn for each
    example; j is a random permutation of the batch.

    Args:
      alpha: strength of the mixing; the paper has 0.1 to 0.4 on ImageNet, 1 on CIFAR.
      classes: number of classes.
      domain: whose examples are mixed.

    Returns:
      For `make_step`, behind the augmentation of single images: from a typed key and a batch whose
      `batch[domain]` holds `image` [n, ...] and `label`, [n] integers or [n, classes] shares, to
      the batch with float32 images and labels [n, classes], as `cross_entropy` takes them.

    Raises:
      ValueError: if `alpha` is not positive.
    """
    if not alpha > 0:
        raise ValueError(f"alpha is {alpha}; expected a positive number, such as 0.2")

    def augment(key: jax.Array, batch: Any) -> dict[str, Any]:
        examples = batch[domain]
        images, labels = examples["image"], examples["label"]
        of_weight, of_partner = jax.random.split(key)
        weights = jax.random.beta(of_weight, alpha, alpha, (len(images),))
        partners = jax.random.permutation(of_partner, len(images))

        def mixed(values: jax.Array) -> jax.Array:
            own = weights.reshape(-1, *[1] * (values.ndim - 1))
            values = values.astype(jnp.float32)
            return own * values + (1 - own) * values[partners]

        soft = one_hot(labels, classes) if labels.ndim == 1 else labels
        return {**batch, domain: {**examples, "image": mixed(images), "label": mixed(soft)}}

    return augment
