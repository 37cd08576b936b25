"""Class-balanced self-training of a net (CBST: Zou, Yu, Vijaya Kumar & Wang, ECCV 2018)."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import lax

from jtransfer.train.step import Loss
from jtransfer.train.whole_batch import mean_over_parts
from jtransfer.transfer.adaptation.penalised import see_both
from jtransfer.transfer.supervised import cross_entropy

THRESHOLDS = "thresholds"


def growing_share(progress: jax.Array) -> jax.Array:
    """From a fifth to a half over the run (in the paper by steps of a twentieth)."""
    return 0.2 + 0.3 * progress


def with_thresholds(variables: Any, *, classes: int) -> Any:
    """Variables of a net with a threshold for each class beside them, for `TrainState.create`.

    Args:
      variables: what the net's `init` returns, or those of a net that was trained on the source.
      classes: how many there are.

    Returns:
      The same with the collection `thresholds`: `log_odds` [classes] of a guess that is taken, in
      units of the batch's mean, at first 0, the odds of 1 to 1.
    """
    return {**variables, THRESHOLDS: {"log_odds": jnp.zeros((classes,), jnp.float32)}}


def self_training_loss(
    net: nn.Module,
    *,
    share: Callable[[jax.Array], jax.Array] = growing_share,
    rate: float = 0.2,
    weight: float = 1.0,
) -> Loss:
    """The source's label loss plus that of the surest guesses of each class on the target.

    With a threshold for each class (section 4.2): of the target examples that a class is guessed
    of, the `share` with the largest probability has the guess for a label. The paper finds the
    thresholds from the whole target before every round; here each is a running quantile, which
    rises where more than the share was above it in a batch, and falls where fewer were. It is kept
    in units of the batch's mean: a net that grows sure of all its guesses does not outrun it. The
    target's labels are not looked at.

    Args:
      net: a module with `features` and `classify`.
      share: of the guesses of each class that are taken, as a function of progress from 0 to 1.
      rate: of the thresholds, in mean log odds a step.
      weight: of the target's loss, which is the mean over all of the batch, those not taken at 0.

    Returns:
      A loss for `make_step`, whose state is created from `with_thresholds(...)`; batches hold
      `source` (`image`, `label`) and as many `target` (`image`) examples.

    Raises:
      ValueError: if the rate or the weight is not a positive number.
    """
    if not (0 < rate < float("inf") and 0 < weight < float("inf")):
        raise ValueError(f"rate is {rate} and weight {weight}; expected positive numbers")

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        of_net = {name: tree for name, tree in stats.items() if name != THRESHOLDS}
        seen, new_stats = see_both(net, params, of_net, batch, rng)
        thresholds = stats[THRESHOLDS]["log_odds"]
        guesses = seen.target_logits.argmax(axis=1)
        taken, thresholds = taken_guesses(
            thresholds, lax.stop_gradient(seen.target_logits), share(progress), rate=rate
        )
        losses = optax.softmax_cross_entropy_with_integer_labels(seen.target_logits, guesses)
        losses = jnp.where(taken, losses, 0.0)
        count = jnp.asarray(len(losses), jnp.float32)
        metrics = cross_entropy(seen.source_logits, seen.labels)
        metrics |= {"guess_loss": (losses.sum(), count), "taken": (taken.sum() * 1.0, count)}
        value = metrics["label_loss"][0] / count + weight * losses.mean()
        return value, ({**new_stats, THRESHOLDS: {"log_odds": thresholds}}, metrics)

    return loss


def taken_guesses(
    thresholds: jax.Array, logits: jax.Array, share: jax.Array | float, *, rate: float
) -> tuple[jax.Array, jax.Array]:
    """Which guesses are above the threshold of their class, and the thresholds after the batch.

    Args:
      thresholds: [classes], log odds in units of their mean size in the batch.
      logits: [n, classes].
      share: of the guesses of each class that should be above it.
      rate: by how much a threshold moves at most.

    Returns:
      Booleans [n], and [classes].
    """
    guesses = jax.nn.one_hot(logits.argmax(axis=1), logits.shape[1])
    others = jnp.where(guesses > 0, -jnp.inf, logits)
    odds = logits.max(axis=1) - jax.nn.logsumexp(others, axis=1)
    taken = odds > mean_over_parts(jnp.abs(odds).mean()) * (guesses @ thresholds)
    of_class = mean_over_parts(
        {"guessed": guesses.mean(axis=0), "taken": (guesses * taken[:, None]).mean(axis=0)}
    )
    guessed = of_class["guessed"]
    above = of_class["taken"] / jnp.where(guessed > 0, guessed, 1.0)
    return taken, thresholds + rate * jnp.where(guessed > 0, above - share, 0.0)
