"""Methods of adaptation on features that are there already, with a linear classifier behind them.

The trunk stays as it is, so a method takes seconds. All classifiers are softmaxes with one C, which
is chosen by cross-validation on the labelled source.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jtransfer.data.splits import stratified_folds
from jtransfer.recipes.adaptation.feature_models import (
    Alignment,
    FeatureClassifier,
    FeatureEnsemble,
    FeatureModel,
)
from jtransfer.train.counted import counted
from jtransfer.transfer.adaptation.coral import fit_coral
from jtransfer.transfer.adaptation.self_trained_probe import fit_self_trained
from jtransfer.transfer.adaptation.standardisation import Standardisation, fit_standardisation
from jtransfer.transfer.adaptation.subspace import fit_alignment, largest_dimension, require_domains
from jtransfer.transfer.adaptation.transport import fit_transport
from jtransfer.transfer.features.probe import (
    LinearProbe,
    check_examples,
    cross_validate,
    fit_softmax,
)

SOURCE_ONLY = "source"
PENALTIES = tuple(10.0**power for power in range(-4, 1))  # of features of deviation 1
DIMENSION = 64  # of subspace alignment
CARRIED = 2000  # examples a domain for optimal transport, whose time grows with their square


@dataclass(frozen=True)
class _Domains:
    """The features of both domains, of deviation 1 in the source, and how they are classified.

    Those of the target are there as they were given, too.
    """

    scale: Standardisation
    source: np.ndarray
    labels: np.ndarray
    target: np.ndarray
    given: np.ndarray
    C: float
    classes: int
    seed: int

    def model(self, alignment: Alignment | None, probe: LinearProbe) -> FeatureModel:
        """Of features as they were given."""
        return FeatureModel((self.scale,) if alignment is None else (self.scale, alignment), probe)

    def fit(self, alignment: Alignment | None = None) -> FeatureModel:
        """A softmax on the labelled source, as the alignment has it."""
        features = self.source if alignment is None else np.asarray(alignment.source(self.source))
        probe = fit_softmax(features, self.labels, self.C, classes=self.classes)
        return self.model(alignment, probe)


Before = Sequence[FeatureModel]  # the methods that have been fitted, source only first


def _source_only(domains: _Domains, before: Before) -> FeatureModel:
    return domains.fit()


def _standardised(domains: _Domains, before: Before) -> FeatureModel:
    return domains.fit(fit_standardisation(domains.source, domains.target))


def _coral(domains: _Domains, before: Before) -> FeatureModel:
    return domains.fit(fit_coral(domains.source, domains.target))


def _sa(domains: _Domains, before: Before) -> FeatureModel:
    dimension = min(DIMENSION, largest_dimension(domains.source, domains.target))
    return domains.fit(fit_alignment(domains.source, domains.target, dimension))


def _transport(domains: _Domains, before: Before) -> FeatureModel:
    random = np.random.default_rng(domains.seed)
    source, target = (
        each[random.permutation(len(each))[:CARRIED]] for each in (domains.source, domains.target)
    )
    return domains.fit(fit_transport(source, target))


def _self_training(domains: _Domains, before: Before) -> FeatureModel:
    """From what all others guess together."""
    fitted = fit_self_trained(
        domains.source,
        domains.labels,
        domains.target,
        domains.C,
        classes=domains.classes,
        guesses=FeatureEnsemble(tuple(before)).target_probabilities(domains.given),
        standardised=True,
    )
    return domains.model(fitted.alignment, fitted.probe)


def _ensemble(domains: _Domains, before: Before) -> FeatureEnsemble:
    return FeatureEnsemble(tuple(before))


FEATURE_METHODS: Mapping[str, Callable[[_Domains, Before], FeatureClassifier]] = {
    SOURCE_ONLY: _source_only,
    "standardised": _standardised,
    "coral": _coral,
    "sa": _sa,
    "transport": _transport,
    "self_training": _self_training,
    "ensemble": _ensemble,
}
"""In the order in which they are fitted: the last ones take what those before them have guessed."""

_FROM_OTHERS = ("self_training", "ensemble")


def needed_for(method: str, methods: Iterable[str]) -> tuple[str, ...]:
    """Those of the methods that have to be fitted again to have one of them as it was."""
    return tuple(methods) if method in _FROM_OTHERS else (method,)


def fit_feature_methods(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    *,
    classes: int,
    methods: Iterable[str] = tuple(FEATURE_METHODS),
    seed: int = 0,
    tell: Callable[[str], None] = print,
) -> dict[str, FeatureClassifier]:
    """Fit methods of adaptation to the features of two domains, source only always among them.

    The features are first standardised by the source's means and deviations, for both domains.

    Args:
      source: [n, dims], of one layer.
      labels: of the source, [n]; each class that occurs at least twice.
      target: [m, dims], whose labels no method is given.
      classes: how many there are; the target may lack some.
      methods: keys of `FEATURE_METHODS`.
      seed: of the folds, and of the examples that are carried where there are many.
      tell: is told of each method when it is done, in a line.

    Returns:
      {method: classifier}, source only first, then in the order of `FEATURE_METHODS`: self-training
      begins with what those before it guess together, and the ensemble is the mean of all.

    Raises:
      ValueError: if a method is unknown, or features or labels cannot be used.
    """
    named = {SOURCE_ONLY, *methods}
    unknown = sorted(named - set(FEATURE_METHODS))
    if unknown:
        known = ", ".join(FEATURE_METHODS)
        raise ValueError(f"unknown method {unknown[0]!r}; expected one of {known}")
    wanted = [method for method in FEATURE_METHODS if method in named]
    require_domains(source, target)
    labels = check_examples(source, labels, classes)
    started = time.perf_counter()
    scale = fit_standardisation(source, target, alike=True)
    scaled = np.asarray(scale.source(source)), np.asarray(scale.target(target))
    C = _penalty(scaled[0], labels, classes, seed)
    tell(f"C = {C:g} by cross-validation on the source: {time.perf_counter() - started:.1f} s")
    domains = _Domains(scale, scaled[0], labels, scaled[1], target, C, classes, seed)
    fitted: dict[str, FeatureClassifier] = {}
    for number, method in enumerate(counted(wanted, "methods"), start=1):
        started = time.perf_counter()
        before = [member for each in fitted.values() for member in each.members]
        model = FEATURE_METHODS[method](domains, before)
        seconds = time.perf_counter() - started
        fitted[method] = replace(model, seconds=seconds)
        tell(f"{method}: {seconds:.1f} s ({number} of {len(wanted)})")
    return fitted


def _penalty(features: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> float:
    """C of the best accuracy on two stratified folds.

    The largest among equals: at a small one a softmax may be right and its probabilities all alike.
    """
    folds = stratified_folds(labels, 2, seed=seed)
    tried = cross_validate(features, labels, PENALTIES, folds, kind="softmax", classes=classes)
    scores = tried.scores.mean(axis=1)
    return PENALTIES[int(np.flatnonzero(scores == scores.max())[-1])]
