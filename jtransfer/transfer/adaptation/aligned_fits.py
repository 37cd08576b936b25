"""SVMs on the aligned source for many dimensions, in the same compiled programs.

All dimensions share the axes of the largest; those beyond a dimension are zero, which changes
neither the products of two examples nor the SVM.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.adaptation.subspace import PrincipalAxes, SubspaceAlignment, cut
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.probe import Choice, Folds, LinearProbe, cross_validate

# As many as features: the means alone are aligned. None: source only, features are as they come.
Dimension = int | None


@dataclass(frozen=True, eq=False)
class AlignedFits:
    """An SVM for each dimension.

    Attributes:
      source: axes of the source.
      target: of the target.
      unit: root mean square distance of the source's examples from their mean, by which aligned
        features are divided.
      unaligned_unit: their root mean square length, where nothing is aligned.
      widest: the alignment of the largest dimension below all.
      choices: of each dimension, on features of the widest alignment, or on whole ones.
    """

    source: PrincipalAxes
    target: PrincipalAxes
    unit: float
    unaligned_unit: float
    widest: SubspaceAlignment
    choices: dict[Dimension, Choice]

    @staticmethod
    def of(
        source: PrincipalAxes,
        target: PrincipalAxes,
        labels: np.ndarray,
        dimensions: Sequence[Dimension],
        classes: int,
        penalties: Sequence[float],
        folds: Folds,
    ) -> "AlignedFits":
        """Fit them, C chosen by cross-validation on the source."""
        dims = len(source.mean)
        whole = {dims: source.centred, None: source.centred + source.mean[None]}
        units = {d: _root_mean_square(features) for d, features in whole.items()}
        widest = cut(source, target, max((d for d in dimensions if d and d < dims), default=1))
        known = product(jnp.asarray(source.centred / units[dims]), widest.source_axes)

        def chosen(d: Dimension) -> Choice:
            if d in whole:
                features = whole[d] / units[d]
            else:
                features = np.asarray(_aligned(known, widest.matrix, d))
            return cross_validate(features, labels, penalties, folds, kind="svm", classes=classes)

        choices = {d: chosen(d) for d in dimensions}
        return AlignedFits(source, target, float(units[dims]), float(units[None]), widest, choices)

    def guesses(self, features: np.ndarray) -> dict[Dimension, np.ndarray]:
        """Classes [k] of the target's features [k, dims], by the SVM of each dimension."""
        aligned = self.widest.target(features) / self.unit

        def seen(d: Dimension) -> jax.Array:
            return aligned if self._cut(d) else self.alignment(d).target(features) / self.unit_of(d)

        return {d: np.asarray(each.probe.predict(seen(d))) for d, each in self.choices.items()}

    def unit_of(self, dimension: Dimension) -> float:
        """By which the features of a dimension are divided."""
        return self.unaligned_unit if dimension is None else self.unit

    def alignment(self, dimension: Dimension) -> SubspaceAlignment:
        """The alignment of a dimension."""
        if dimension is not None and self._cut(dimension):
            return cut(self.source, self.target, dimension)
        axes = jnp.eye(len(self.source.mean))
        if dimension is None:
            zero = jnp.zeros(len(self.source.mean))
            return SubspaceAlignment(zero, zero, axes, axes)
        means = jnp.asarray(self.source.mean), jnp.asarray(self.target.mean)
        return SubspaceAlignment(*means, axes, axes)

    def probe(self, dimension: Dimension) -> LinearProbe:
        """The SVM of a dimension, on that alignment's features divided by the unit."""
        probe = self.choices[dimension].probe
        if not self._cut(dimension):
            return probe
        return replace(probe, weights=probe.weights[:dimension])

    def _cut(self, dimension: Dimension) -> bool:
        return dimension is not None and dimension < len(self.source.mean)


@jax.jit
def _aligned(known, matrix, dimension):
    """The source's features of the first axes, in the target's first axes; zero beyond them."""
    inside = (jnp.arange(known.shape[1]) < dimension)[None]
    return product(known * inside, matrix) * inside


def _root_mean_square(features: np.ndarray) -> np.float32:
    """Length of the features [n, dims]; 1 if all are zero."""
    largest = np.abs(features).max()
    if largest == 0:
        return np.float32(1)
    # The largest is taken out first, for a square may be no float32 any more.
    lengths = np.linalg.norm(features / largest, axis=1)
    return np.float32(largest * np.sqrt(np.mean(lengths**2)))
