"""Learned compatibility f(x)·g(y) of images and classes: ALE, DeViSE and two towers.

- ALE (Akata et al., "Label-embedding for image classification", TPAMI 2016): bilinear, a ranking
  loss that weighs the top of the list.
- DeViSE (Frome et al., "DeViSE: a deep visual-semantic embedding model", NIPS 2013): bilinear, a
  hinge for every wrong class.
- Two towers: f and g are nets of their own, cosines are trained by a softmax over the seen classes.

Signatures may be attributes, word vectors, or both side by side (`side_by_side`).
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.labels import integers, known
from jtransfer.nets.parts.initializers import in_a_row
from jtransfer.nets.parts.layers import Dense, Dropout
from jtransfer.train.step import Loss
from jtransfer.transfer.features.extraction import require_finite

Objective = Callable[[jax.Array, jax.Array], jax.Array]

_SMALL = in_a_row(nn.initializers.normal(0.01))

_LEAST_SQUARED = 1e-12  # length of what has a direction


class Bilinear(nn.Module):
    """x^T W s: ALE's and DeViSE's net."""

    @nn.compact
    def __call__(
        self, features: jax.Array, signatures: jax.Array, *, train: bool = False
    ) -> jax.Array:
        """Scores [n, classes] of features [n, dims] and signatures [classes, attributes]."""
        del train  # there is nothing to drop
        embedded = Dense(signatures.shape[1], use_bias=False, kernel_init=_SMALL, name="f")(
            features
        )
        return embedded @ signatures.T


class TwoTowers(nn.Module):
    """The cosine of f(x) and g(y), each a net with one hidden layer, divided by a temperature.

    What is shorter than 1e-6 counts as zero: its cosines are 0, and it learns as it is, for the
    gradient of a direction grows as 1 / length.

    Attributes:
      hidden: units of either hidden layer; 0 for none.
      dims: of the space where images and classes meet.
      dropout: share of the hidden units that are dropped in training.
      temperature: divides the cosines.
    """

    hidden: int = 128
    dims: int = 64
    dropout: float = 0.2
    temperature: float = 0.1

    @nn.compact
    def __call__(
        self, features: jax.Array, signatures: jax.Array, *, train: bool = False
    ) -> jax.Array:
        """Scores [n, classes] of features [n, dims] and signatures [classes, attributes]."""
        drop = Dropout(self.dropout, deterministic=not train)

        def tower(values: jax.Array, name: str) -> jax.Array:
            if self.hidden:
                values = drop(nn.relu(Dense(self.hidden, name=f"{name}_hidden")(values)))
            values = Dense(self.dims, name=name)(values)
            squared = jnp.square(values).sum(axis=1, keepdims=True)
            return values / jnp.sqrt(jnp.where(squared > _LEAST_SQUARED, squared, 1))

        return tower(features, "f") @ tower(signatures, "g").T / self.temperature


def ale_ranking(scores: jax.Array, labels: jax.Array, *, margin: float = 1.0) -> jax.Array:
    """ALE's loss of each image: l_r / r times the sum of its violations, r of them.

    A violation is max(0, margin + F(x, y) - F(x, y_n)) of a wrong class y, and l_r = 1 + 1/2 + ...
    + 1/r (Akata et al. 2016, section 3.3, after the WSABIE of Weston et al. 2011).

    Args:
      scores: F, [n, classes].
      labels: y_n, [n].
      margin: by which the right class must win.

    Returns:
      [n].
    """
    short = _violations(scores, labels, margin)
    rank = (short > 0).sum(axis=1)
    harmonic = jnp.cumsum(1 / jnp.arange(1, scores.shape[1] + 1, dtype=jnp.float32))
    weights = jnp.concatenate([jnp.zeros(1), harmonic])[rank] / jnp.maximum(rank, 1)
    return weights * short.sum(axis=1)


def devise_ranking(scores: jax.Array, labels: jax.Array, *, margin: float = 0.1) -> jax.Array:
    """DeViSE's loss of each image: sum over wrong classes of max(0, margin + F(y) - F(y_n)).

    Frome et al. 2013, equation 1. Arguments and result as for `ale_ranking`.
    """
    return _violations(scores, labels, margin).sum(axis=1)


def contrastive(scores: jax.Array, labels: jax.Array) -> jax.Array:
    """Softmax cross-entropy over the classes, [n]. Arguments as for `ale_ranking`."""
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels)


def compatibility_loss(
    net: nn.Module, signatures: np.ndarray, objective: Objective, *, domain: str = "seen"
) -> Loss:
    """Train the scores of images with the signatures of all seen classes.

    Args:
      net: called with features, signatures and `train`, such as `Bilinear` and `TwoTowers`.
      signatures: of the seen classes, [classes, attributes].
      objective: from scores [n, classes] and labels [n] to losses [n].
      domain: key of the batch's domain; `batch[domain]` holds `feature` [n, dims] and `label` [n],
        rows of `signatures`; one that is no row makes the loss NaN and has no gradient.

    Returns:
      A loss for `make_step`.

    Raises:
      ValueError: if a signature is not finite.
    """
    values = jnp.asarray(signatures, jnp.float32)
    if not np.isfinite(signatures).all():
        raise ValueError(
            "signatures hold numbers that are not finite; expected every attribute of every class. "
            "Complete the table, or fill what is missing by its filled()"
        )

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress
        images = batch[domain]
        scores: Any = net.apply(
            {"params": params}, images["feature"], values, train=True, rngs={"dropout": rng}
        )
        labels = integers(images["label"])
        losses = objective(scores.astype(jnp.float32), labels)
        losses = known(losses, labels, len(values))
        count = jnp.asarray(len(losses), jnp.float32)
        right = (scores.argmax(axis=1) == images["label"]).sum() * 1.0
        return losses.mean(), (stats, {"seen_accuracy": (right, count)})

    return loss


def side_by_side(*signatures: np.ndarray) -> np.ndarray:
    """Several signatures of the same classes as one: rows of each scaled to length 1, then joined.

    Args:
      *signatures: [classes, attributes] each.

    Raises:
      ValueError: if they have different numbers of classes, or one is not finite.
    """
    for number, each in enumerate(signatures):
        require_finite(each, name=f"signatures {number}")
    if len({len(each) for each in signatures}) != 1:
        raise ValueError(
            f"signatures of {[len(each) for each in signatures]} classes; expected the same "
            "classes in each"
        )
    rows = [np.asarray(each, np.float64) for each in signatures]
    lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in rows]
    scaled = [each / np.maximum(by, 1e-12) for each, by in zip(rows, lengths, strict=True)]
    return np.concatenate(scaled, axis=1).astype(np.float32)


def _violations(scores: jax.Array, labels: jax.Array, margin: float) -> jax.Array:
    """max(0, margin + F(y) - F(y_n)) of every wrong class, 0 of the right one: [n, classes]."""
    own = jnp.take_along_axis(scores, labels[:, None], axis=1)
    wrong = jnp.arange(scores.shape[1])[None] != labels[:, None]
    return jnp.where(wrong, jnp.maximum(0, margin + scores - own), 0)
