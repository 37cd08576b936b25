"""Minimum class confusion (MCC: Jin, Wang, Long & Wang, ECCV 2020)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.entropy import entropies
from jtransfer.transfer.adaptation.penalised import Seen, penalised_loss


def class_confusion(logits: jax.Array, *, temperature: float = 2.5) -> jax.Array:
    """How much a batch's guesses mix up pairs of classes: from 0 to (classes - 1) / classes.

    Probabilities Y of the logits over the temperature, each example weighted by w = 1 + exp(-its
    entropy), of mean 1 and constant; C = Y^T diag(w) Y, its rows brought to sum 1; the mean over
    the classes of what lies off the diagonal (section 3).

    Args:
      logits: [n, classes].
      temperature: T, positive.
    """
    probabilities = jax.nn.softmax(logits.astype(jnp.float32) / temperature)
    weights = 1 + jnp.exp(-lax.stop_gradient(entropies(probabilities)))
    weights = weights / weights.mean()
    confusion = jnp.matmul((probabilities * weights[:, None]).T, probabilities, precision="highest")
    shares = confusion / confusion.sum(axis=1, keepdims=True)
    return 1 - jnp.trace(shares) / len(shares)


def mcc_loss(net: nn.Module, *, temperature: float = 2.5, weight: float = 1.0) -> Loss:
    """The source's label loss plus the class confusion of the guesses on the target.

    Nothing aligns the domains, so that the target may lack classes.

    Args:
      net: a module with `features` and `classify`.
      temperature: T of the probabilities; the paper's is 2.5.
      weight: mu of the confusion.

    Returns:
      A loss for `make_step`, as `penalised_loss`.

    Raises:
      ValueError: if the temperature is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number, such as 2.5")

    def penalty(seen: Seen) -> jax.Array:
        return class_confusion(seen.target_logits, temperature=temperature)

    return penalised_loss(net, "class_confusion", penalty, weight=weight)
