"""Domain-adversarial training where classes are not as frequent in the target as in the source.

DANN makes the features of both domains alike in distribution. If a class makes up another share of
the target than of the source, that moves examples of it into the features of other classes: with
perfect alignment the accuracy is at most 1 less half of the sum of the differences of the shares.
Weighting the source's classes as they come in the target mends it (IWDAN: Tachet des Combes, Zhao,
Wang & Gordon, "Domain adaptation with conditional distribution matching and generalized label
shift", NeurIPS 2020, section 3). Their shares in the target are guessed by the net itself.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.class_shares import even_shares, moved_shares
from jtransfer.transfer.adaptation.domain_batch import images_of_both, label_and_domain_loss
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient

SHARES = "shares"


def with_shares(variables: Any, *, classes: int) -> Any:
    """Variables of a net with the classes' shares beside them, for `TrainState.create`.

    Returns:
      The same with the collection `shares`: running means of the source's `labels` and of the net's
      `guesses` on the target, [classes] each, at first even.
    """
    return {**variables, SHARES: even_shares(classes)}


def weighted_dann_loss(
    net: nn.Module,
    *,
    decay: float = 0.99,
    reversal: Callable[[jax.Array], jax.Array] = sigmoid_ramp,
) -> Loss:
    """`dann_loss`, with its half domain loss, that weighs a source example by its class.

    The weight is the class's share among the guesses on the target over that among the source's
    labels; both are running means of what training sees, the guesses being the net's distributions.
    IWDAN takes its weights from the confusion on the source at every epoch and weighs the label
    loss too; here the label loss is left as it is, so that no class is forgotten which is not
    guessed yet. The target's labels are not looked at.

    Args:
      net: a module with `features`, `classify` and `discriminate`.
      decay: share of the running means that is kept at each step.
      reversal: lambda as a function of progress from 0 to 1.

    Returns:
      A loss for `make_step`, whose state is created from `with_shares(...)`; batches hold `source`
      (`image`, `label`) and as many `target` (`image`) examples.

    Raises:
      ValueError: if `decay` is not between 0 and 1.
    """
    if not 0 <= decay <= 1:
        raise ValueError(f"decay is {decay}; expected a share between 0 and 1")

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        images, labels = images_of_both(batch), batch["source"]["label"]
        count = len(images) // 2
        scale = reversal(progress)
        collections = [name for name in stats if name != SHARES]

        def forward(net: Any):
            features = net.features(images, train=True, domains=(0, 1))
            logits = net.classify(features, train=True)
            return logits, net.discriminate(reverse_gradient(features, scale), train=True)

        (logits, domain_logits), new_stats = net.apply(
            {"params": params, **{name: stats[name] for name in collections}},
            method=forward,
            mutable=collections,
            rngs={"dropout": rng},
        )
        guesses = lax.stop_gradient(jax.nn.softmax(logits[count:].astype(jnp.float32)))
        shares = moved_shares(stats[SHARES], labels, guesses, decay=decay)
        value, metrics = label_and_domain_loss(
            logits[:count],
            labels,
            domain_logits,
            scale,
            source_weights=shares["guesses"][labels] / shares["labels"][labels],
        )
        return value, ({**new_stats, SHARES: shares}, metrics)

    return loss
