"""Conditional adversarial domain adaptation (CDAN: Long, Cao, Wang & Jordan, NeurIPS 2018)."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.train.whole_batch import mean_over_parts
from jtransfer.transfer.adaptation.domain_batch import images_of_both, label_and_domain_loss
from jtransfer.transfer.adaptation.entropy import entropies_of_logits
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient


def cdan_loss(
    net: nn.Module,
    *,
    entropy_conditioning: bool = False,
    reversal: Callable[[jax.Array], jax.Array] = sigmoid_ramp,
) -> Loss:
    """DANN's game, where the discriminator reads features and class probabilities together.

    They are joined by the multilinear map (section 3.2), in which the probabilities are constants,
    as in the authors' code. With entropy conditioning (CDAN+E, section 3.3) sure examples count
    more: w = 1 + exp(-entropy), divided by its mean over each domain, a constant, where the
    authors' code lets its gradient through, reversed too. The domain loss is the mean over both
    domains, half of the paper's sum. The target's labels are not looked at.

    Args:
      net: a module with `features`, `classify` and `discriminate` that reads the multilinear map:
        an `AdaptationNet` made or cloned with `judged="multilinear"`.
      entropy_conditioning: whether examples are weighted by how sure their class is.
      reversal: lambda as a function of progress from 0 to 1; the default is the paper's (section
        4.1).

    Returns:
      A loss for `make_step`; batches hold `source` (`image`, `label`) and as many `target`
      (`image`) examples.

    Raises:
      ValueError: if the net's discriminator reads something else.
    """
    judged = getattr(net, "judged", "multilinear")
    if judged != "multilinear":
        raise ValueError(
            f"the net's discriminator reads {judged}; expected the multilinear map. Give "
            'net.clone(judged="multilinear"), made before `init`'
        )

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        images, labels = images_of_both(batch), batch["source"]["label"]
        count = len(images) // 2
        scale = reversal(progress)

        def forward(net: Any):
            features = net.features(images, train=True, domains=(0, 1))
            logits = net.classify(features, train=True)
            return logits, net.discriminate(reverse_gradient(features, scale), train=True)

        (logits, domain_logits), new_stats = net.apply(
            {"params": params, **stats},
            method=forward,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        weights = (None, None)
        if entropy_conditioning:
            weights = tuple(_sureness(half) for half in jnp.split(logits, 2))
        value, metrics = label_and_domain_loss(
            logits[:count],
            labels,
            domain_logits,
            scale,
            source_weights=weights[0],
            target_weights=weights[1],
        )
        return value, (new_stats, metrics)

    return loss


def _sureness(logits: jax.Array) -> jax.Array:
    """1 + exp(-entropy) of each example, of mean 1 over the batch."""
    weights = 1 + jnp.exp(-entropies_of_logits(lax.stop_gradient(logits)))
    return weights / mean_over_parts(weights.mean())
