"""A linear SVM trained on the aligned source, for a target without labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np

from jtransfer.measure import accuracy
from jtransfer.transfer.adaptation.aligned_fits import AlignedFits, Dimension
from jtransfer.transfer.adaptation.subspace import (
    PrincipalAxes,
    SubspaceAlignment,
    largest_dimension,
    require_dimension,
    require_domains,
)
from jtransfer.transfer.adaptation.subspace_dimension import agreement, dimensions_to_try, stable
from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.probe import Folds, LinearProbe, check_examples, check_penalties

Rule = Literal["agreement", "squared length", "length"]
_RULES: tuple[Rule, ...] = ("agreement", "squared length", "length")


@dataclass(frozen=True)
class AlignedSVM:
    """A linear SVM trained on the aligned source, for the target.

    Attributes:
      dimension: d of the subspaces; as many as features where the means alone are aligned, None
        where nothing is and the SVM is that of the source.
      chosen_by: the criterion that chose it; starts with "oracle" if it saw the target's labels.
      scores: what the criterion said of each dimension tried; the highest was taken.
      C: of the SVM, always by cross-validation on the source, for features divided by the unit.
      unit: root mean square distance of the source's examples from their mean; from zero where
        nothing is aligned.
      alignment: of the two domains.
      probe: the SVM on aligned features divided by the unit.
    """

    dimension: Dimension
    chosen_by: str
    scores: dict[Dimension, float]
    C: float
    unit: float
    alignment: SubspaceAlignment
    probe: LinearProbe

    def predict(self, features: jax.Array | np.ndarray) -> jax.Array:
        """Classes [n] of the target's features [n, dims]."""
        return self.probe.predict(self.alignment.target(features) / self.unit)


def fit_aligned_svm(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    *,
    classes: int,
    penalties: Sequence[float],
    folds: Folds,
    dimensions: Sequence[int] | None = None,
    rule: Rule = "agreement",
) -> AlignedSVM:
    """Align and train, d chosen without a label of the target.

    By default an SVM is trained for each dimension, for the means alone and for no alignment at
    all, and that is taken which agrees best with all of them about the target (`agreement`; among
    equals the one that changes least). A wrong subspace errs in its own way and is outvoted; where
    no dimension helps, nothing is aligned. This rule is ours, not the paper's, and does not depend
    on the features' unit. How it was decided, and on what: docs/subspace_alignment.md.

    By the paper's rule (section 3.3), "squared length" or "length" for what B is in
    `stable_dimension`, it is the dimension up to the stable one with the best cross-validated
    accuracy on the source (mean per class), the smallest among equals. In either case the SVM's C
    is chosen by cross-validation on the source.

    Args:
      source: [n, dims] float32; time and memory grow with n^2, some thousand are enough.
      labels: of the source, [n] integers.
      target: [m, dims].
      classes: how many there are.
      penalties: values of C, for features divided by `AlignedSVM.unit`, so that C means the same
        whatever unit they come in (the paper leaves that to the user).
      folds: of the source, as for `cross_validate` (in the paper two).
      dimensions: to try. By default 4, 16, 64 and 256 by agreement, and by the paper's rule
        all up to the stable one; there those above it are left out.
      rule: "agreement", "squared length" or "length".

    Raises:
      ValueError: if the features, labels, penalties, dimensions or rule cannot be used, or no
        dimension is left.
    """
    if rule not in _RULES:
        raise ValueError(f"rule is {rule!r}; expected one of {', '.join(_RULES)}")
    _check(source, labels, target, classes, penalties, dimensions)
    axes = PrincipalAxes.of(source), PrincipalAxes.of(target)
    if rule == "agreement":
        some = dimensions_to_try(largest_dimension(source, target))
        tried = _least_change_first(source, some if dimensions is None else dimensions)
        fits = AlignedFits.of(*axes, labels, tried, classes, penalties, folds)
        shares = agreement(list(fits.guesses(target).values()))
        scores = dict(zip(tried, map(float, shares), strict=True))
        return _best(fits, scores, f"agreement on the target among {len(tried)} alignments")
    limit = stable(*axes, radius=rule)
    some = range(1, limit + 1) if dimensions is None else dimensions
    tried = sorted({d for d in some if d <= limit})
    if not tried:
        raise ValueError(
            f"of the dimensions {list(some)} none is from 1 to {limit}, the largest stable one; "
            "add smaller ones"
        )
    fits = AlignedFits.of(*axes, labels, tried, classes, penalties, folds)
    scores = {d: float(choice.scores.mean(axis=1).max()) for d, choice in fits.choices.items()}
    return _best(fits, scores, f"source cross-validation up to the stable dimension {limit}")


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
      dimensions: to try, beside the means alone and no alignment, as `fit_aligned_svm` does.

    Raises:
      ValueError: as `fit_aligned_svm`, or if the test examples do not fit the others.
    """
    _check(source, labels, target, classes, penalties, dimensions)
    if np.ndim(test) != 2 or test.shape[1] != source.shape[1] or len(test) != len(test_labels):
        raise ValueError(
            f"test {np.shape(test)} with {len(test_labels)} labels; expected "
            f"[k, {source.shape[1]}] and a label of each"
        )
    require_finite(test, name="test features")
    axes = PrincipalAxes.of(source), PrincipalAxes.of(target)
    tried = _least_change_first(source, dimensions)
    fits = AlignedFits.of(*axes, labels, tried, classes, penalties, folds)
    scores = {d: accuracy(guesses, test_labels) for d, guesses in fits.guesses(test).items()}
    return _best(fits, scores, "oracle: accuracy on the target's test labels")


def _least_change_first(source: np.ndarray, dimensions: Sequence[int]) -> list[Dimension]:
    """No alignment, the means alone, and falling dimensions: the first of equals is taken."""
    dims = source.shape[1]
    return [None, dims, *sorted({d for d in dimensions if d < dims}, reverse=True)]


def _best(fits: AlignedFits, scores: dict[Dimension, float], chosen_by: str) -> AlignedSVM:
    dimension = max(scores, key=lambda d: scores[d])
    alignment, choice = fits.alignment(dimension), fits.choices[dimension]
    probe = fits.probe(dimension)
    return AlignedSVM(
        dimension, chosen_by, scores, choice.C, fits.unit_of(dimension), alignment, probe
    )


def _check(source, labels, target, classes, penalties, dimensions) -> None:
    require_domains(source, target)
    check_examples(source, labels, classes)
    check_penalties(np.array(penalties, np.float32))
    if dimensions is not None and not len(dimensions):
        raise ValueError("no dimension to try; expected at least one")
    for dimension in dimensions or ():
        require_dimension(dimension, source, target)
