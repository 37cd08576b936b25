"""Margin disparity discrepancy (MDD: Zhang, Liu, Long & Jordan, ICML 2019)."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax.nn import logsumexp

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.domain_batch import images_of_both
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient
from jtransfer.transfer.supervised import cross_entropy


def tenth_of_ramp(progress: jax.Array) -> jax.Array:
    """A tenth of `sigmoid_ramp`: from 0 to .1, eta in the paper's runs."""
    return 0.1 * sigmoid_ramp(progress)


def disparity(
    source_logits: jax.Array,
    target_logits: jax.Array,
    source_guesses: jax.Array,
    target_guesses: jax.Array,
    *,
    margin: float = 4.0,
) -> jax.Array:
    """What the second classifier f' minimises: gamma E_s[-log p'(h)] + E_t[-log(1 - p'(h))].

    p'(h) is its probability of the class h that the first classifier guesses: it agrees on the
    source and disagrees on the target as well as it can. Minus the paper's
    discrepancy (section 4).

    Args:
      source_logits: of f', [n, classes].
      target_logits: [m, classes].
      source_guesses: h on the source, [n].
      target_guesses: h on the target, [m].
      margin: log gamma is the paper's margin; gamma is this number.
    """
    agree = optax.softmax_cross_entropy_with_integer_labels(source_logits, source_guesses)
    chosen = jax.nn.one_hot(target_guesses, target_logits.shape[1], dtype=bool)
    # log(1 - p) without the rounding of 1 - p.
    others = logsumexp(jnp.where(chosen, -jnp.inf, target_logits), axis=1)
    disagree = logsumexp(target_logits, axis=1) - others
    return margin * agree.mean() + disagree.mean()


def mdd_loss(
    net: nn.Module,
    *,
    margin: float = 4.0,
    reversal: Callable[[jax.Array], jax.Array] = tenth_of_ramp,
) -> Loss:
    """The source's label loss plus the game about a second classifier's disparity (section 4).

    A second classifier, in the place of the domain head, learns to agree with the first one's
    guesses on the source and to disagree on the target; the trunk, behind gradient reversal, to
    make that hard. The first classifier learns from the source's labels alone. The target's labels
    are not looked at.

    Args:
      net: a module with `features`, `classify` and `domain_logits`, of as many outputs as classes:
        an `AdaptationNet` cloned with `domain_head=Head(hidden, classes)`.
      margin: gamma; 4 in the paper's runs on Office-31.
      reversal: eta as a function of progress from 0 to 1.

    Returns:
      A loss for `make_step`; batches hold `source` (`image`, `label`) and as many `target`
      (`image`) examples.

    Raises:
      ValueError: if the margin is not positive; when a step is traced, if the domain head has
        another number of outputs than there are classes.
    """
    if not margin > 0:
        raise ValueError(f"margin is {margin}; expected a positive number, such as 4")

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        images, labels = images_of_both(batch), batch["source"]["label"]
        scale = reversal(progress)

        def forward(net: Any):
            features = net.features(images, train=True, domains=(0, 1))
            logits = net.classify(features, train=True)
            return logits, net.domain_logits(reverse_gradient(features, scale), train=True)

        (logits, second), new_stats = net.apply(
            {"params": params, **stats},
            method=forward,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        if second.shape != logits.shape:
            raise ValueError(
                f"the domain head has {second.shape[1]} outputs for {logits.shape[1]} classes; "
                "expected as many. Give net.clone(domain_head=Head((...), outputs=classes))"
            )
        guesses = jnp.split(logits.argmax(axis=1), 2)
        apart = disparity(*jnp.split(second.astype(jnp.float32), 2), *guesses, margin=margin)
        metrics = cross_entropy(logits[: len(labels)], labels)
        metrics |= {"disparity": (apart, jnp.ones(())), "reversal": (scale, jnp.ones(()))}
        total, count = metrics["label_loss"]
        return total / count + apart, (new_stats, metrics)

    return loss
