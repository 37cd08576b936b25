"""Source hypothesis transfer (SHOT: Liang, Hu & Feng, ICML 2020): adaptation without the source.

The classifier of a net that was trained on the source is kept; its trunk learns to give the
target's images features that this classifier is sure about, of all classes.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import lax

from jtransfer.train.step import Loss
from jtransfer.train.whole_batch import mean_over_parts
from jtransfer.transfer.adaptation.entropy import entropies_of_logits

SHOT_RULES = {"label_head/.*": "frozen", "domain_head/.*": "frozen", ".*": "full"}
"""Who may move, for `parameter_groups`."""

CENTROIDS = "centroids"
_ABSENT = 1e-6  # running share of a class that is taken to be absent
_ROUNDS = ("by_probability", "by_label")


def with_centroids(variables: Any, *, classes: int, dims: int) -> Any:
    """Variables of a net with running class centroids beside them, for `TrainState.create`.

    Args:
      variables: of a net that was trained on the source.
      classes: how many there are.
      dims: of the net's features.

    Returns:
      The same with the collection `centroids`: of either round the running means of the features
      times the share of each class, [classes, dims + 1], and of the shares, [classes].
    """
    empty = {
        "sums": jnp.zeros((classes, dims + 1), jnp.float32),
        "shares": jnp.zeros((classes,), jnp.float32),
    }
    return {**variables, CENTROIDS: {name: dict(empty) for name in _ROUNDS}}


def shot_loss(
    net: nn.Module, *, weight: float = 0.3, decay: float = 0.99, domain_index: int = 1
) -> Loss:
    """Information maximisation on the target, and the label loss of its pseudo labels.

    The mean entropy of the guesses less the entropy of the mean guess, plus `weight` times the
    cross-entropy with pseudo labels (section 3): the class whose centroid is closest in cosine,
    where centroids are means of the features weighted by the guesses, then, once more, means by
    these labels. Features get a 1 at the end and length 1, as in the authors' code.
    Running means over the batches take the place of the means over the whole target at the
    beginning of every epoch. No source image and no label is looked at.

    Args:
      net: a module with `features` and `classify`, that was trained on the source.
      weight: beta of the pseudo labels; the paper's is .3, and .1 on digits.
      decay: share of the running means that is kept at each step.
      domain_index: which of the net's per-domain batch-norm statistics are used and moved.

    Returns:
      A loss for `make_step`, to be given `trainable` of `SHOT_RULES`, whose state is created from
      `with_centroids(...)`; batches hold `target` (`image`).

    Raises:
      ValueError: if the weight is negative, or `decay` is not from 0 to below 1.
    """
    if not (0 <= weight < float("inf") and 0 <= decay < 1):
        raise ValueError(
            f"weight is {weight} and decay {decay}; expected a weight of 0 or more and a decay "
            "from 0 to below 1"
        )

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress
        collections = [name for name in stats if name != CENTROIDS]

        def forward(net: Any):
            images = batch["target"]["image"]
            features = net.features(images, train=True, domains=(domain_index,))
            return features, net.classify(features, train=True)

        (features, logits), new_stats = net.apply(
            {"params": params, **{name: stats[name] for name in collections}},
            method=forward,
            mutable=collections,
            rngs={"dropout": rng},
        )
        logits = logits.astype(jnp.float32)
        guesses = jax.nn.softmax(logits)
        labels, centroids = pseudo_labels(
            stats[CENTROIDS], *lax.stop_gradient((features, guesses)), decay=decay
        )
        mean = mean_over_parts(guesses.mean(axis=0))
        # The entropy of the mean guess, in a form that is a mean over the parts of a batch: its
        # gradient is the same, for guesses sum to 1.
        diversity = -(guesses.mean(axis=0) * jnp.log(mean + 1e-8)).sum()
        entropies = entropies_of_logits(logits)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        count = jnp.asarray(len(logits), jnp.float32)
        metrics = {
            "entropy": (entropies.sum(), count),
            "diversity": (diversity, jnp.ones(())),
            "pseudo_label_loss": (losses.sum(), count),
        }
        value = entropies.mean() - diversity + weight * losses.mean()
        return value, ({**new_stats, CENTROIDS: centroids}, metrics)

    return loss


def pseudo_labels(
    centroids: Any, features: jax.Array, guesses: jax.Array, *, decay: float
) -> tuple[jax.Array, Any]:
    """Labels [n] by the closest centroid, and the centroids after this batch.

    Args:
      centroids: as `with_centroids` makes them.
      features: [n, dims].
      guesses: class probabilities, [n, classes].
      decay: share of the running means that is kept.
    """
    features = features.astype(jnp.float32)
    rows = jnp.concatenate([features, jnp.ones((len(features), 1))], axis=1)
    rows = rows / jnp.linalg.norm(rows, axis=1, keepdims=True)
    shares, moved = guesses, {}
    labels = guesses.argmax(axis=1)
    for name in _ROUNDS:
        means = mean_over_parts(
            {"sums": shares.T @ rows / len(rows), "shares": shares.mean(axis=0)}
        )
        moved[name] = jax.tree.map(
            lambda old, new: decay * old + (1 - decay) * new, centroids[name], means
        )
        labels = _closest(moved[name], rows)
        shares = jax.nn.one_hot(labels, guesses.shape[1])
    return labels, moved


def _closest(centroids: Any, rows: jax.Array) -> jax.Array:
    """The class of the centroid that is closest in cosine, of those that are there: [n]."""
    sums = centroids["sums"]
    lengths = jnp.linalg.norm(sums, axis=1, keepdims=True)
    cosines = rows @ (sums / jnp.maximum(lengths, _ABSENT)).T
    return jnp.where(centroids["shares"][None] > _ABSENT, cosines, -jnp.inf).argmax(axis=1)
