"""How frequent the classes are among the source's labels, and among the guesses on the target."""

from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.labels import one_hot
from jtransfer.train.whole_batch import mean_over_parts


def even_shares(classes: int) -> dict[str, jax.Array]:
    """Shares of the source's `labels` and of the `guesses` on the target, [classes], all alike."""
    even = jnp.full((classes,), 1.0 / classes, jnp.float32)  # weakly typed, steps compile twice
    return {"labels": even, "guesses": even}


def moved_shares(
    shares: Any, labels: jax.Array, guesses: jax.Array, *, decay: float
) -> dict[str, jax.Array]:
    """Running means after one more batch, as a whole where this is a part of it.

    Args:
      shares: those before it.
      labels: of the source, [n].
      guesses: distributions over the classes on the target, [m, classes].
      decay: share of the means that is kept.
    """
    seen = {"labels": one_hot(labels, guesses.shape[1]), "guesses": guesses}
    means = mean_over_parts({name: each.mean(axis=0) for name, each in seen.items()})
    return {name: decay * shares[name] + (1 - decay) * mean for name, mean in means.items()}
