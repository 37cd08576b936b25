"""Domain-adversarial training (Ganin & Lempitsky, ICML 2015; Ganin et al., JMLR 2016)."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.domain_batch import images_of_both, label_and_domain_loss
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient


def dann_loss(net: nn.Module, *, reversal: Callable[[jax.Array], jax.Array] = sigmoid_ramp) -> Loss:
    """The label loss on the source plus the domain loss behind gradient reversal.

    One scalar whose gradients are right for every player: the label head and the domain head
    descend their own losses at full rate, and the trunk descends the label loss while it ascends
    the domain loss, scaled by lambda (JMLR 2016, eqs. 9 and 13-15). The domain loss is the mean
    over the images of both domains, and so half of eq. 9's, which adds up the means of the two:
    lambda, and the domain head's rate, count half as much as there. The target's labels are not
    looked at.

    Args:
      net: a module with `features`, `classify` and `discriminate`.
      reversal: lambda as a function of progress from 0 to 1.

    Returns:
      A loss for `make_step`; batches hold `source` (`image`, `label`) and as many `target`
      (`image`) examples.
    """

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        images = images_of_both(batch)
        count = len(images) // 2
        scale = reversal(progress)

        def forward(net: Any):
            features = net.features(images, train=True, domains=(0, 1))
            logits = net.classify(features[:count], train=True)
            return logits, net.discriminate(reverse_gradient(features, scale), train=True)

        (logits, domain_logits), new_stats = net.apply(
            {"params": params, **stats},
            method=forward,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        labels = batch["source"]["label"]
        value, metrics = label_and_domain_loss(logits, labels, domain_logits, scale)
        return value, (new_stats, metrics)

    return loss
