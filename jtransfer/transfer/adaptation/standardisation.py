"""Features standardised domain by domain: the means and deviations of both become 0 and 1.

What adaptive batch normalisation does inside a net (Li et al. 2016, "Revisiting batch normalization
for practical domain adaptation", section 3.2), on features that are there already.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.adaptation.subspace import require_domains

# A deviation that is this share of the mean is float32's rounding.
_CONSTANT = 1e-6


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Scale:
    """The mean and deviation of one domain's features.

    Attributes:
      mean: [dims].
      deviation: [dims]; 1 where a feature is constant.
    """

    mean: jax.Array
    deviation: jax.Array

    @staticmethod
    def of(features: np.ndarray, weights: np.ndarray | None = None) -> "Scale":
        """Those of features [n, dims], of which some may weigh more than others, [n]."""
        exact = np.asarray(features, np.float64)
        mean = np.average(exact, axis=0, weights=weights)
        deviation = np.sqrt(np.average((exact - mean[None]) ** 2, axis=0, weights=weights))
        deviation = np.where(deviation > _CONSTANT * np.abs(mean), deviation, 1.0)
        return Scale(jnp.asarray(mean, jnp.float32), jnp.asarray(deviation, jnp.float32))

    def __call__(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Features [n, dims] less the mean, in units of the deviation."""
        return (jnp.asarray(features) - self.mean[None]) / self.deviation[None]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Standardisation:
    """How the features of two domains are standardised.

    Attributes:
      source: of the source, from features [n, dims] to the standardised.
      target: of the target.
    """

    source: Scale
    target: Scale


def fit_standardisation(
    source: np.ndarray, target: np.ndarray, *, alike: bool = False
) -> Standardisation:
    """The means and deviations of two domains' features.

    Args:
      source: [n, dims].
      target: [m, dims].
      alike: whether the target's features are changed as the source's are, by the source's mean and
        deviation: no adaptation, only a scale that suits a linear classifier.

    Raises:
      ValueError: if the features do not fit each other.
    """
    require_domains(source, target)
    of_source = Scale.of(source)
    return Standardisation(of_source, of_source if alike else Scale.of(target))
