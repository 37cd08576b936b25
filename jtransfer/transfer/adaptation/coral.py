"""Correlation alignment in closed form (CORAL: Sun, Feng & Saenko, AAAI 2016).

The source's features are whitened by their own covariance and coloured by the target's, whose
features stay as they are.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.adaptation.subspace import require_domains
from jtransfer.transfer.features.penalty_path import product


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Coral:
    """How the source's features become like the target's.

    Attributes:
      source_mean: mu_s [dims].
      target_mean: mu_t [dims].
      matrix: A = C_s^(-1/2) C_t^(1/2) [dims, dims].
    """

    source_mean: jax.Array
    target_mean: jax.Array
    matrix: jax.Array

    def source(self, features: jax.Array | np.ndarray) -> jax.Array:
        """(x - mu_s) A + mu_t: [n, dims] of the source's features [n, dims]."""
        centred = jnp.asarray(features) - self.source_mean[None]
        return product(centred, self.matrix) + self.target_mean[None]

    def target(self, features: jax.Array | np.ndarray) -> jax.Array:
        """The target's features [n, dims] as they are."""
        return jnp.asarray(features)


def fit_coral(source: np.ndarray, target: np.ndarray, *, regularisation: float = 1.0) -> Coral:
    """Whiten by the source's covariance, colour by the target's (Algorithm 1).

    C_s = cov(source) + r I and C_t = cov(target) + r I, where the paper's r is 1, for features of
    deviation 1. The paper takes it that both domains' means are 0; here they are brought together
    too.

    Args:
      source: [n, dims].
      target: [m, dims].
      regularisation: r, positive: in the unit of the features' variance. The larger, the closer A
        is to the identity.

    Raises:
      ValueError: if the features do not fit each other, or the regularisation is not positive.
    """
    require_domains(source, target)
    if not (np.isfinite(regularisation) and regularisation > 0):
        raise ValueError(
            f"regularisation is {regularisation}; expected a positive number in the unit of the "
            "features' variance, such as 1"
        )
    source_mean, known = _centred(source)
    target_mean, other = _centred(target)
    matrix = _recolouring(known, other, jnp.asarray(regularisation, jnp.float32))
    return Coral(source_mean, target_mean, matrix)


def _centred(features: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """The mean [dims] of features [n, dims], and the features without it, taken in float64."""
    exact = np.asarray(features, np.float64)
    mean = exact.mean(axis=0)
    return jnp.asarray(mean, jnp.float32), jnp.asarray(exact - mean, jnp.float32)


@jax.jit
def _recolouring(source: jax.Array, target: jax.Array, regularisation: jax.Array) -> jax.Array:
    whiten = _power(source, regularisation, -0.5)
    return product(whiten, _power(target, regularisation, 0.5))


def _power(centred: jax.Array, regularisation: jax.Array, power: float) -> jax.Array:
    """(X^T X / (n - 1) + r I)^power [dims, dims] of centred features."""
    covariance = product(centred.T, centred) / (len(centred) - 1)
    variances, axes = jnp.linalg.eigh(covariance)
    # Rounding makes variances of 0 negative.
    scales = (jnp.maximum(variances, 0) + regularisation) ** power
    return product(axes * scales[None], axes.T)
