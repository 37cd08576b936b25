"""A method on features as one linear classifier of the target's features as they are."""

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.recipes.adaptation.feature_models import FeatureClassifier, FeatureModel
from jtransfer.transfer.features.probe import LinearProbe

_CLOSE = 1e-3  # of the scores' size: float32 after some products of a thousand numbers


def target_probe(model: FeatureClassifier, features: np.ndarray) -> LinearProbe:
    """Fold what a method does to the target's features into its classifier.

    Every map is affine, x A + a, and so is the classifier: scores of one after the other are
    x (A W) + (a W + b), a linear classifier of x, and so is the mean of several. A saved model then
    needs no adaptation at all.

    Args:
      model: the method, fitted.
      features: of the target, [n, dims], which the folded classifier is compared on.

    Raises:
      ValueError: if the two differ, since a map is not affine.
    """

    def scores(row: jax.Array) -> jax.Array:
        return jnp.mean(jnp.stack([of_member(each, row) for each in model.members]), axis=0)

    def of_member(member: FeatureModel, row: jax.Array) -> jax.Array:
        rows = row[None]
        for alignment in member.alignments:
            rows = alignment.target(rows)  # pyright: ignore[reportArgumentType]
        return member.probe.decision(rows)[0]

    middle = np.asarray(features, np.float64).mean(axis=0)
    value, slopes = (
        np.asarray(each, np.float64)
        for each in jax.jit(lambda row: (scores(row), jax.jacrev(scores)(row)))(
            jnp.asarray(middle, jnp.float32)
        )
    )
    folded = LinearProbe(
        jnp.asarray(slopes.T, jnp.float32),
        jnp.asarray(value - slopes @ middle, jnp.float32),
        jnp.max(jnp.stack([member.probe.excess for member in model.members])),
    )
    expected = model.target_scores(features)
    apart = float(np.abs(np.asarray(folded.decision(features)) - expected).max())
    if not apart <= _CLOSE * max(1.0, float(np.abs(expected).max())):
        raise ValueError(
            f"the folded classifier's scores are {apart:.2g} from the method's; expected the same, "
            "as where every alignment is affine on the target. Leave this method out"
        )
    return folded
