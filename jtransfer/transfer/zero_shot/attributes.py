"""Recognising classes through their attributes: table look-up, DAP and IAP.

Lampert, Nickisch & Harmeling, "Learning to detect unseen object classes by between-class attribute
transfer", CVPR 2009. Direct prediction (DAP) learns a classifier for each attribute; indirect
prediction (IAP) learns the seen classes, whose attributes then are the image's. Either gives the
probabilities of an image's attributes, and a class is chosen by its row in the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.logistic_regression import fit_logistic
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.probe import LinearProbe
from jtransfer.transfer.features.retrieval import l2_normalised
from jtransfer.transfer.zero_shot.class_signatures import check_seen, learnable

Rule = Literal["product", "distance", "direction"]
# Probabilities stay this far from 0 and 1, for their logarithms.
_LEAST = 1e-6


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AttributePredictor:
    """Tells the attributes of images.

    Attributes:
      probe: a logistic regression of each attribute (DAP) or a softmax over the seen classes (IAP).
      signatures: [seen, attributes] of the classes it was trained on.
      counts: 1 for attributes that differ among them, 0 for those that are left out of every
        comparison because no image could teach them: [attributes].
      indirect: whether the probe knows classes (IAP) rather than attributes (DAP).
    """

    probe: LinearProbe
    signatures: jax.Array
    counts: jax.Array
    indirect: bool

    def probabilities(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Probability of each attribute [n, attributes] for features [n, dims]."""
        logits = self.probe.decision(features)
        if self.indirect:
            return product(jax.nn.softmax(logits, axis=1), self.signatures)
        return jax.nn.sigmoid(logits)

    def decision(
        self,
        features: jax.Array | np.ndarray,
        signatures: jax.Array | np.ndarray,
        *,
        rule: Rule,
    ) -> jax.Array:
        """Scores [n, classes] of the classes with signatures [classes, attributes].

        Args:
          features: [n, dims].
          signatures: attributes of the classes to choose from, from 0 to 1.
          rule: "product" as `log_odds`, "distance" as `similarity`, "direction" as `agreement`.
        """
        probabilities, wanted = self.probabilities(features), jnp.asarray(signatures)
        mean = self.signatures.mean(axis=0)
        if rule == "distance":
            return similarity(probabilities, wanted, self.counts)
        if rule == "direction":
            return agreement(probabilities, wanted, mean, self.counts)
        return log_odds(probabilities, wanted, mean, self.counts)


def similarity(probabilities: jax.Array, signatures: jax.Array, counts: jax.Array) -> jax.Array:
    """Minus the squared distance of an image's attributes to each class's: the table look-up.

    Args:
      probabilities: [n, attributes].
      signatures: [classes, attributes].
      counts: weight of each attribute, [attributes].
    """

    def to_class(signature: jax.Array) -> jax.Array:
        # Of the differences: that of the squares and the product is rounding where two are close.
        return -(counts[None] * (probabilities - signature[None]) ** 2).sum(axis=1)

    return jax.lax.map(to_class, signatures).T


def agreement(
    probabilities: jax.Array, signatures: jax.Array, mean: jax.Array, counts: jax.Array
) -> jax.Array:
    """Cosine of an image's and a class's deviations from the mean: a look-up for timid predictions.

    Probabilities of an uncertain classifier stay close to the mean, and so, by distance, do the
    classes that they find; only the direction is compared here.

    Args:
      probabilities: [n, attributes].
      signatures: [classes, attributes].
      mean: over the seen classes, [attributes].
      counts: weight of each attribute, [attributes].
    """

    def unit(values: jax.Array) -> jax.Array:
        return l2_normalised((values - mean[None]) * jnp.sqrt(counts)[None])

    return product(unit(probabilities), unit(signatures).T)


def log_odds(
    probabilities: jax.Array, signatures: jax.Array, prior: jax.Array, counts: jax.Array
) -> jax.Array:
    """Log of the product over attributes of p(a_m = a_m^class | x) / p(a_m = a_m^class).

    Lampert et al. 2009, equation 2. An attribute between 0 and 1 counts as that share of it being
    there; with 0 and 1 this is the paper's.

    Args:
      probabilities: p(a_m = 1 | x), [n, attributes].
      signatures: a_m^class, [classes, attributes], from 0 to 1.
      prior: p(a_m = 1), [attributes]: the mean over the seen classes.
      counts: 0 for attributes to leave out, else 1, [attributes].
    """
    there = _log(probabilities) - _log(prior)[None]
    absent = _log(1 - probabilities) - _log(1 - prior)[None]
    return product(there * counts[None], signatures.T) + product(
        absent * counts[None], 1 - signatures.T
    )


def fit_direct(
    features: np.ndarray,
    labels: np.ndarray,
    signatures: np.ndarray,
    penalties: Sequence[float],
    *,
    tolerance: float = 1e-5,
    most: int = 500,
) -> list[AttributePredictor]:
    """Direct attribute prediction: a logistic regression of each attribute, all in one program.

    Args:
      features: [n, dims] float32 of images of seen classes.
      labels: [n] rows of `signatures`.
      signatures: attributes of the seen classes, [seen, attributes], from 0 to 1.
      penalties: on the squared weights; a predictor for each is returned.
      tolerance: as in `fit_logistic`.
      most: likewise.

    Raises:
      ValueError: if these do not fit each other, an attribute is missing or outside of 0 to 1, or
        all attributes are constant over the seen classes.
    """
    labels, targets, counts = _prepare(features, labels, signatures)
    # A constant target would drive its bias to infinity for nothing.
    wanted = np.where(counts, targets, 0.5)[labels]
    probes = fit_logistic(features, wanted, penalties, kind="each", tolerance=tolerance, most=most)
    return [AttributePredictor(each, jnp.asarray(targets), counts, False) for each in probes]


def fit_indirect(
    features: np.ndarray,
    labels: np.ndarray,
    signatures: np.ndarray,
    penalties: Sequence[float],
    *,
    tolerance: float = 1e-5,
    most: int = 500,
) -> list[AttributePredictor]:
    """Indirect attribute prediction: p(a_m | x) = sum over seen classes of p(class | x) a_m^class.

    Arguments and errors as for `fit_direct`.
    """
    labels, targets, counts = _prepare(features, labels, signatures)
    probes = fit_logistic(
        features,
        np.eye(len(targets), dtype=np.float32)[labels],
        penalties,
        kind="softmax",
        tolerance=tolerance,
        most=most,
    )
    return [AttributePredictor(each, jnp.asarray(targets), counts, True) for each in probes]


def above_mean(signatures: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Real attributes, such as word vectors, as 0 and 1: above the seen classes' mean or not.

    Args:
      signatures: [classes, attributes].
      seen: [seen, attributes].
    """
    return (signatures > seen.mean(axis=0, keepdims=True)).astype(np.float32)


def _prepare(features, labels, signatures):
    labels = check_seen(features, labels, signatures)
    targets = np.asarray(signatures, np.float32)
    if targets.min() < 0 or targets.max() > 1:
        raise ValueError(
            f"attributes from {targets.min():g} to {targets.max():g}; expected probabilities, from "
            "0 to 1. Divide percentages by 100, or turn real numbers into 0 and 1 by above_mean"
        )
    # Of the classes that have images: a class without one teaches nothing.
    return labels, targets, jnp.asarray(learnable(targets[np.unique(labels)]), jnp.float32)


def _log(probabilities: jax.Array) -> jax.Array:
    return jnp.log(jnp.clip(probabilities, _LEAST, 1 - _LEAST))
