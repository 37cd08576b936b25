"""The multilinear map of features and class probabilities (Long et al., NeurIPS 2018)."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class MultilinearMap(nn.Module):
    """Features conditioned on classes: their products, or as many random ones where those are many.

    T(f, g) = g outer f where it has at most `most` numbers, else the randomised
    (R_f f) * (R_g g) / sqrt(width) with normal R_f and R_g, drawn once and kept in the collection
    `random` (section 3.2).

    Attributes:
      most: products of a feature and a class up to which all are taken.
      width: of the randomised map.
    """

    most: int = 4096
    width: int = 1024

    @nn.compact
    def __call__(self, features: jax.Array, probabilities: jax.Array) -> jax.Array:
        """Map [n, dims] and [n, classes] to [n, dims classes], or to [n, width]."""
        count, dims = features.shape
        classes = probabilities.shape[1]
        if dims * classes <= self.most:
            return (probabilities[:, :, None] * features[:, None, :]).reshape(count, -1)
        drawn = self._projected("features", features) * self._projected("classes", probabilities)
        return drawn / jnp.sqrt(self.width)

    def _projected(self, name: str, rows: jax.Array) -> jax.Array:
        shape = (rows.shape[1], self.width)
        matrix = self.variable(
            "random", name, lambda: jax.random.normal(self.make_rng("params"), shape)
        )
        return rows @ matrix.value
