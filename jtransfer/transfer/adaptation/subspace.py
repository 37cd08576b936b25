"""Subspace alignment (Fernando, Habrard, Sebban & Tuytelaars, ICCV 2013), closed form.

The principal axes of the source's features are turned into those of the target's; a linear SVM
trained on the aligned source then classifies the target.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.measure import accuracy
from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.probe import Choice, Folds, LinearProbe, cross_validate


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


@dataclass(frozen=True)
class AlignedSVM:
    """A linear SVM trained on the aligned source, for the target.

    Attributes:
      dimension: d of the subspaces.
      chosen_by: the criterion that chose it; starts with "oracle" if it saw the target's labels.
      scores: what the criterion said of each dimension tried; the highest was taken.
      C: of the SVM, always by cross-validation on the source.
      alignment: of the two domains.
      probe: the SVM.
    """

    dimension: int
    chosen_by: str
    scores: dict[int, float]
    C: float
    alignment: SubspaceAlignment
    probe: LinearProbe

    def predict(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Classes [n] of the target's features [n, dims]."""
        return self.probe.predict(self.alignment.target(features))


def fit_alignment(source: np.ndarray, target: np.ndarray, dimension: int) -> SubspaceAlignment:
    """Principal axes of both domains.

    Args:
      source: [n, dims] float32.
      target: [m, dims].
      dimension: d, of the subspaces.

    Raises:
      ValueError: if the features do not fit each other or have no subspace of `dimension`.
    """
    _check(source, target)
    most = min(len(source) - 1, len(target) - 1, source.shape[1])
    if not 1 <= dimension <= most:
        raise ValueError(
            f"dimension is {dimension}; expected 1 to {most}, the largest subspace that "
            f"{len(source)} source and {len(target)} target examples of {source.shape[1]} features "
            "span"
        )
    return _cut(_Axes.of(source), _Axes.of(target), dimension)


def stable_dimension(
    source: np.ndarray, target: np.ndarray, *, gamma: float = 1e5, delta: float = 0.1
) -> int:
    """The largest subspaces whose alignment can be trusted; no label is needed.

    With probability 1 - delta the alignment found is within gamma of that of infinitely many
    examples if, for both domains, the variances lambda of the axes fall after the d-th by

        lambda_d - lambda_(d+1) >= (1 + sqrt(ln(2 / delta) / 2)) 16 d^1.5 B / (gamma sqrt(n)),

    n being the smaller number of examples (section 3.3, theorem 2 and what follows it, with its
    gamma and delta). B here is the largest squared length of a centred feature vector: the lemma it
    comes from (Zwald & Blanchard, NIPS 2005) bounds the kernel k(x, x), and only so does the
    dimension not depend on the features' unit.

    Args:
      source: [n, dims] float32.
      target: [m, dims].
      gamma: the deviation allowed.
      delta: probability that the bound fails.

    Returns:
      The largest such d below dims and both numbers of examples less 1; at least 1.

    Raises:
      ValueError: if the features do not fit each other.
    """
    _check(source, target)
    return _stable(_Axes.of(source), _Axes.of(target), gamma, delta)


def fit_aligned_svm(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    *,
    classes: int,
    penalties: Sequence[float],
    folds: Folds,
    dimensions: Sequence[int] | None = None,
) -> AlignedSVM:
    """Align and train, d chosen without a label of the target.

    As in section 3.3: among the dimensions up to `stable_dimension`, the one with the best
    cross-validated accuracy on the source (mean per class), the smallest among equals. The SVM's C
    is chosen with it.

    Args:
      source: [n, dims] float32; time and memory grow with n^2, some thousand are enough.
      labels: of the source, [n] integers.
      target: [m, dims].
      classes: how many there are.
      penalties: values of C.
      folds: of the source, as for `cross_validate` (in the paper two).
      dimensions: to try; all up to the stable one by default, and those above it are left out.

    Raises:
      ValueError: if the features do not fit each other, or no dimension is left.
    """
    _check(source, target)
    axes = _Axes.of(source), _Axes.of(target)
    stable = _stable(*axes, gamma=1e5, delta=0.1)
    tried = sorted({d for d in dimensions or range(1, stable + 1) if 1 <= d <= stable})
    if not tried:
        raise ValueError(
            f"of the dimensions {list(dimensions or ())} none is from 1 to {stable}, the largest "
            "stable one; add smaller ones"
        )
    fits = {
        d: _fit(*axes, d, source, labels, classes=classes, penalties=penalties, folds=folds)
        for d in tried
    }
    scores = {d: float(choice.scores.mean(axis=1).max()) for d, (_, choice) in fits.items()}
    chosen_by = f"source cross-validation up to the stable dimension {stable}"
    return _best(fits, scores, chosen_by)


def fit_aligned_svm_by_oracle(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    *,
    classes: int,
    penalties: Sequence[float],
    folds: Folds,
    dimensions: Sequence[int],
) -> AlignedSVM:
    """Align and train, d chosen by accuracy on the target's labelled test examples.

    What the tables of domain-adversarial training report (Ganin et al., JMLR 2016, section 5.2.3).
    No user can do it: report it as an oracle, beside `fit_aligned_svm`.

    Args:
      source: as for `fit_aligned_svm`, like all that is not named here.
      labels: of the source, [n] integers.
      target: [m, dims].
      test: the target's test examples, [k, dims].
      test_labels: their labels, [k] integers.
      classes: how many there are.
      penalties: values of C, chosen on the source all the same.
      folds: of the source.
      dimensions: to try.
    """
    _check(source, target)
    axes = _Axes.of(source), _Axes.of(target)
    fits = {
        d: _fit(*axes, d, source, labels, classes=classes, penalties=penalties, folds=folds)
        for d in sorted(set(dimensions))
    }
    scores = {
        d: accuracy(np.asarray(choice.probe.predict(alignment.target(test))), test_labels)
        for d, (alignment, choice) in fits.items()
    }
    return _best(fits, scores, "oracle: accuracy on the target's test labels")


@dataclass(frozen=True)
class _Axes:
    """Mean [dims], axes [dims, dims], their variances [dims] falling, and how far points lie."""

    mean: jax.Array
    axes: jax.Array
    variances: np.ndarray
    squared_radius: float
    examples: int

    @staticmethod
    def of(features: np.ndarray) -> "_Axes":
        mean, axes, variances, squared_radius = _principal_axes(jnp.asarray(features, jnp.float32))
        return _Axes(mean, axes, np.asarray(variances), float(squared_radius), len(features))


@jax.jit
def _principal_axes(features):
    mean = features.mean(axis=0)
    centred = features - mean[None]
    variances, axes = jnp.linalg.eigh(product(centred.T, centred) / len(features))
    return mean, axes[:, ::-1], variances[::-1], jnp.square(centred).sum(axis=1).max()


def _cut(source: _Axes, target: _Axes, dimension: int) -> SubspaceAlignment:
    return SubspaceAlignment(
        source.mean, target.mean, source.axes[:, :dimension], target.axes[:, :dimension]
    )


def _stable(source: _Axes, target: _Axes, gamma: float, delta: float) -> int:
    examples = min(source.examples, target.examples)
    most = min(len(source.variances), examples - 1)
    gaps = -np.maximum(np.diff(source.variances), np.diff(target.variances))
    radius = max(source.squared_radius, target.squared_radius)
    d = np.arange(1, most)
    needed = (1 + math.sqrt(math.log(2 / delta) / 2)) * 16 * d**1.5 * radius
    stable = d[gaps[: most - 1] >= needed / (gamma * math.sqrt(examples))]
    return int(stable.max()) if stable.size else 1


def _fit(
    source_axes, target_axes, dimension, source, labels, *, classes, penalties, folds
) -> tuple[SubspaceAlignment, Choice]:
    alignment = _cut(source_axes, target_axes, dimension)
    aligned = np.asarray(alignment.source(source))
    choice = cross_validate(aligned, labels, penalties, folds, kind="svm", classes=classes)
    return alignment, choice


def _best(
    fits: dict[int, tuple[SubspaceAlignment, Choice]], scores: dict[int, float], chosen_by: str
) -> AlignedSVM:
    dimension = max(scores, key=lambda d: scores[d])
    alignment, choice = fits[dimension]
    return AlignedSVM(dimension, chosen_by, scores, choice.C, alignment, choice.probe)


def _check(source: np.ndarray, target: np.ndarray) -> None:
    if np.ndim(source) != 2 or np.ndim(target) != 2 or source.shape[1] != target.shape[1]:
        raise ValueError(
            f"source {np.shape(source)} and target {np.shape(target)}; expected features [n, dims] "
            "and [m, dims] from the same layer"
        )
    if min(len(source), len(target)) < 2:
        raise ValueError(
            f"{len(source)} source and {len(target)} target examples; expected two or more of "
            "each, which span a subspace"
        )
    require_finite(source)
    require_finite(target)
