"""Subspace alignment (Fernando, Habrard, Sebban & Tuytelaars, ICCV 2013), closed form.

The principal axes of the source's features are turned into those of the target's. Which dimension
to take: `subspace_dimension`; a classifier on the aligned features: `aligned_svm`.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import product


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SubspaceAlignment:
    """The principal axes of two domains, each centred on its own mean.

    Attributes:
      source_mean: mu_s [dims].
      target_mean: mu_t [dims].
      source_axes: P_s [dims, d], orthonormal, of falling variance.
      target_axes: P_t [dims, d].
    """

    source_mean: jax.Array
    target_mean: jax.Array
    source_axes: jax.Array
    target_axes: jax.Array

    @property
    def matrix(self) -> jax.Array:
        """M = P_s^T P_t [d, d], the M that minimises |P_s M - P_t| (eqs. 1-3)."""
        return product(self.source_axes.T, self.target_axes)

    def source(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Aligned features of the source, (x - mu_s) P_s M: [n, d] of [n, dims]."""
        centred = jnp.asarray(features) - self.source_mean[None]
        return product(centred, product(self.source_axes, self.matrix))

    def target(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Features of the target in its own axes, (x - mu_t) P_t: [n, d] of [n, dims]."""
        return product(jnp.asarray(features) - self.target_mean[None], self.target_axes)


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """The principal axes of one domain.

    Attributes:
      mean: [dims] float32.
      centred: the features less their mean, [n, dims] float32.
      axes: [dims, dims], orthonormal, of falling variance.
      variances: along the axes, [dims] float64.
    """

    mean: np.ndarray
    centred: np.ndarray
    axes: jax.Array
    variances: np.ndarray

    @staticmethod
    def of(features: np.ndarray) -> "PrincipalAxes":
        """The axes of features [n, dims]."""
        exact = np.asarray(features, np.float64)
        mean = exact.mean(axis=0)
        centred = exact - mean
        # In a unit of their own no features leave float32's range when they are squared.
        unit = np.abs(centred).max() or 1.0
        variances, axes = _eigenvectors(jnp.asarray(centred / unit, jnp.float32))
        return PrincipalAxes(
            mean.astype(np.float32),
            centred.astype(np.float32),
            axes,
            np.asarray(variances, np.float64) * unit**2,
        )

    @property
    def examples(self) -> int:
        """Their number n."""
        return len(self.centred)

    @property
    def lengths(self) -> np.ndarray:
        """How far each example is from the mean, [n] float64."""
        return np.linalg.norm(self.centred.astype(np.float64), axis=1)


@jax.jit
def _eigenvectors(centred):
    variances, axes = jnp.linalg.eigh(product(centred.T, centred) / len(centred))
    return variances[::-1], axes[:, ::-1]


def fit_alignment(source: np.ndarray, target: np.ndarray, dimension: int) -> SubspaceAlignment:
    """Principal axes of both domains.

    Args:
      source: [n, dims] float32.
      target: [m, dims].
      dimension: d, of the subspaces.

    Raises:
      ValueError: if the features do not fit each other or have no subspace of `dimension`.
    """
    require_domains(source, target)
    require_dimension(dimension, source, target)
    return cut(PrincipalAxes.of(source), PrincipalAxes.of(target), dimension)


def cut(source: PrincipalAxes, target: PrincipalAxes, dimension: int) -> SubspaceAlignment:
    """The alignment of the first so many axes of both domains."""
    return SubspaceAlignment(
        jnp.asarray(source.mean),
        jnp.asarray(target.mean),
        source.axes[:, :dimension],
        target.axes[:, :dimension],
    )


def largest_dimension(source: np.ndarray, target: np.ndarray) -> int:
    """Of a subspace that features [n, dims] and [m, dims] both span, each about its mean."""
    return min(len(source) - 1, len(target) - 1, source.shape[1])


def require_dimension(dimension: int, source: np.ndarray, target: np.ndarray) -> None:
    """Check that both domains span a subspace of a dimension.

    Raises:
      ValueError: if they do not.
    """
    most = largest_dimension(source, target)
    if not (isinstance(dimension, int | np.integer) and 1 <= dimension <= most):
        raise ValueError(
            f"dimension is {dimension}; expected a whole number from 1 to {most}, the largest "
            f"subspace that {len(source)} source and {len(target)} target examples of "
            f"{source.shape[1]} features span"
        )


def require_domains(source: np.ndarray, target: np.ndarray) -> None:
    """Check that features [n, dims] and [m, dims] are finite, of one layer, and span something.

    Raises:
      ValueError: if not.
    """
    if np.ndim(source) != 2 or np.ndim(target) != 2 or source.shape[1] != target.shape[1]:
        raise ValueError(
            f"source {np.shape(source)} and target {np.shape(target)}; expected features [n, dims] "
            "and [m, dims] from the same layer"
        )
    if min(len(source), len(target)) < 2 or not source.shape[1]:
        raise ValueError(
            f"{len(source)} source and {len(target)} target examples of {source.shape[1]} "
            "features; expected two or more examples of each, which span a subspace"
        )
    require_finite(source, name="source's features")
    require_finite(target, name="target's features")
