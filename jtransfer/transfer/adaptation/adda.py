"""Adversarial discriminative domain adaptation (Tzeng et al., CVPR 2017).

A net trained on the source alone is kept as it is, and a copy of its encoder learns to give the
target's images features that a discriminator takes for the source's. The classifier then reads the
target's features unchanged.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import lax

from jtransfer.train.frozen import standing_in
from jtransfer.train.step import Loss

ENCODER, TARGET_ENCODER = "trunk", "target_trunk"

ADDA_RULES = {
    f"{ENCODER}/.*": "frozen",
    "label_head/.*": "frozen",
    f"{TARGET_ENCODER}/.*": "full",
    "domain_head/.*": "full",
}
"""Who may move, for `parameter_groups`; put factors for "full" to give the players own rates."""


def untie_encoders(variables: Any) -> Any:
    """Give the target an encoder of its own, at first a copy of the source's.

    Args:
      variables: of a net that was trained on the source, its encoder being `trunk`.

    Returns:
      The same with a `target_trunk` in every collection that has a `trunk`, for
      `TrainState.create`.

    Raises:
      ValueError: if the parameters hold no `trunk`, or a `target_trunk` already.
    """
    names = sorted(variables["params"])
    if ENCODER not in names or TARGET_ENCODER in names:
        raise ValueError(
            f"the parameters are of {names}; expected those of a net with a {ENCODER} and no "
            f"{TARGET_ENCODER} yet, as its init or source-only training gives them"
        )
    return {
        collection: {**tree, TARGET_ENCODER: tree[ENCODER]} if ENCODER in tree else dict(tree)
        for collection, tree in variables.items()
    }


def target_variables(variables: Any) -> Any:
    """The net's variables with the target's encoder in the place of the source's.

    Args:
      variables: `{"params": state.params, **state.stats}`, the encoders untied.

    Returns:
      For `net.apply` on images of the target, with `domains=(0,)`: each encoder has one domain.
    """
    return {
        collection: {
            name: tree.get(TARGET_ENCODER, part) if name == ENCODER else part
            for name, part in tree.items()
            if name != TARGET_ENCODER
        }
        for collection, tree in variables.items()
    }


def adda_loss(net: nn.Module) -> Loss:
    """The discriminator's loss plus the target encoder's, with the labels inverted.

    One scalar whose gradients are right for both players (section 4, eq. 9), the discriminator's
    loss as the mean over both domains' images, half of the paper's sum of two means. It
    learns which features are the target's, from features that it cannot move; the target's encoder
    learns to have its features taken for the source's, by a discriminator that it cannot move. The
    source's encoder and the label head get no gradient, and neither dropout nor batch statistics
    act in them. The losses are computed in float32. No label is looked at.

    Args:
      net: a module with `features` and `discriminate`, whose encoder is called `trunk`. The
        paper's discriminator reads the encoder's features, that of the authors' published code the
        class logits (`AdaptationNet.judged`).

    Returns:
      A loss for `make_step`, with `ADDA_RULES`; its state is created from `untie_encoders(...)`;
      batches hold `source` and `target` images.
    """

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress
        of_encoder, of_domain_head, of_its_copy = jax.random.split(rng, 3)
        variables = {"params": params, **stats}
        source: Any = net.apply(
            variables, batch["source"]["image"], domains=(0,), method="features"
        )
        with standing_in({ENCODER: TARGET_ENCODER}):
            target, moved = net.apply(
                target_variables(variables),
                batch["target"]["image"],
                train=True,
                domains=(0,),
                method="features",
                mutable=list(stats),
                rngs={"dropout": of_encoder},
            )
        new_stats = {
            name: {**tree, TARGET_ENCODER: moved[name][ENCODER]} if TARGET_ENCODER in tree else tree
            for name, tree in stats.items()
        }

        def discriminate(params: Any, features: jax.Array, rng: jax.Array) -> Any:
            logits: Any = net.apply(
                {**variables, "params": params},
                features,
                train=True,
                method="discriminate",
                rngs={"dropout": rng},
            )
            return logits.astype(jnp.float32)

        features = lax.stop_gradient(jnp.concatenate([source, target]))
        logits = discriminate(params, features, of_domain_head)
        domains = jnp.concatenate([jnp.zeros(len(source)), jnp.ones(len(target))])
        domain_losses = optax.sigmoid_binary_cross_entropy(logits, domains)
        # The target's features again, by a discriminator that stays, with the source's label.
        judged = discriminate(lax.stop_gradient(params), target, of_its_copy)
        encoder_losses = optax.sigmoid_binary_cross_entropy(judged, jnp.zeros_like(judged))

        both, count = jnp.asarray(len(domains), jnp.float32), jnp.asarray(len(target), jnp.float32)
        metrics = {
            "domain_loss": (domain_losses.sum(), both),
            "domain_accuracy": (((logits > 0) == (domains > 0)).sum() * 1.0, both),
            "encoder_loss": (encoder_losses.sum(), count),
        }
        return domain_losses.mean() + encoder_losses.mean(), (new_stats, metrics)

    return loss
