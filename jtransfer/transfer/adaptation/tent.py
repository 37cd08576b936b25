"""Test-time adaptation by entropy minimisation (TENT: Wang et al., ICLR 2021).

Neither the source nor a label is needed: of a trained net the scales and biases of batch norm move,
and its statistics become the target's.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.entropy import entropies_of_logits

TENT_RULES = {".*norm[^/]*/(scale|bias)": "full", ".*": "frozen"}
"""Who may move, for `parameter_groups`: the scales and biases of modules that are named norm."""


def tent_loss(net: nn.Module, *, domain_index: int = 1) -> Loss:
    """The mean entropy of the guesses on the target's images (section 3.1).

    Batch norm normalises by the batch's own statistics, and its running ones move towards them
    (section 3.2): to predict with these, afterwards, is what differs from the paper, which predicts
    each batch by its own while it adapts. Labels are not looked at.

    Args:
      net: a module with `features` and `classify`, that was trained on the source.
      domain_index: which of the net's per-domain statistics move.

    Returns:
      A loss for `make_step`, to be given `trainable` of `TENT_RULES`; batches hold `target`
      (`image`).
    """

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress

        def forward(net: Any):
            images = batch["target"]["image"]
            features = net.features(images, train=True, domains=(domain_index,))
            return net.classify(features, train=True)

        logits, new_stats = net.apply(
            {"params": params, **stats},
            method=forward,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        values = entropies_of_logits(logits)
        metrics = {"entropy": (values.sum(), jnp.asarray(len(values), jnp.float32))}
        return values.mean(), (new_stats, metrics)

    return loss
