"""Domain-adversarial training (Ganin & Lempitsky, ICML 2015; Ganin et al., JMLR 2016)."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.gradient_reversal import reverse_gradient
from jtransfer.transfer.supervised import cross_entropy


def dann_loss(net: nn.Module, *, reversal: Callable[[jax.Array], jax.Array] = sigmoid_ramp) -> Loss:
    """The label loss on the source plus the domain loss behind gradient reversal.

    One scalar whose gradients are right for every player: the label head and the domain head
    descend their own losses at full rate, and the trunk descends the label loss while it ascends
    the domain loss, scaled by lambda (JMLR 2016, eqs. 9 and 13-15). The target's labels are not
    looked at.

    Args:
      net: a module with `features`, `classify` and `discriminate`.
      reversal: lambda as a function of progress from 0 to 1.

    Returns:
      A loss for `make_step`; batches hold `source` (`image`, `label`) and as many `target`
      (`image`) examples.
    """

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        source, target = batch["source"]["image"], batch["target"]["image"]
        if source.shape != target.shape:
            raise ValueError(
                f"source images {source.shape} and target images {target.shape} differ in shape; "
                "a batch holds as many of each, of one size"
            )
        scale = reversal(progress)

        def forward(net: Any):
            images = jnp.concatenate([source, target])
            features = net.features(images, train=True, domains=(0, 1))
            logits = net.classify(features[: source.shape[0]], train=True)
            return logits, net.discriminate(reverse_gradient(features, scale), train=True)

        (logits, domain_logits), new_stats = net.apply(
            {"params": params, **stats},
            method=forward,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        domains = jnp.repeat(jnp.array([0.0, 1.0]), source.shape[0])
        domain_losses = optax.sigmoid_binary_cross_entropy(
            domain_logits.astype(jnp.float32), domains
        )
        guesses = (domain_logits > 0) == (domains > 0)
        count = jnp.asarray(domains.size, jnp.float32)
        metrics = cross_entropy(logits, batch["source"]["label"])
        label_sum, label_count = metrics["label_loss"]
        metrics |= {
            "domain_loss": (domain_losses.sum(), count),
            "domain_accuracy": (guesses.sum() * 1.0, count),
            "reversal": (scale, jnp.ones(())),
        }
        return label_sum / label_count + domain_losses.mean(), (new_stats, metrics)

    return loss
