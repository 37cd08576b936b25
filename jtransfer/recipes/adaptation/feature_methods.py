"""Methods of adaptation on features that are there already, with a linear classifier behind them.

The trunk stays as it is, so a method takes seconds. All classifiers are softmaxes with one C, which
is chosen by cross-validation on the labelled source.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import jax
import numpy as np

from jtransfer.data.splits import stratified_folds
from jtransfer.train.counted import counted
from jtransfer.transfer.adaptation.coral import fit_coral
from jtransfer.transfer.adaptation.self_trained_probe import fit_self_trained
from jtransfer.transfer.adaptation.standardisation import fit_standardisation
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


class Alignment(Protocol):
    """What makes the features of two domains alike, [n, dims] to [n, dims']."""

    def source(self, features: np.ndarray) -> jax.Array:
        """Of the source."""
        ...

    def target(self, features: np.ndarray) -> jax.Array:
        """Of the target."""
        ...


@dataclass(frozen=True)
class FeatureModel:
    """A method, fitted.

    Attributes:
      alignments: of both domains' features, one after the other.
      probe: the classifier of what comes out.
      seconds: what it took.
    """

    alignments: tuple[Alignment, ...]
    probe: LinearProbe
    seconds: float

    def source_features(self, features: np.ndarray) -> np.ndarray:
        """What the classifier is given of the source's features: [n, dims'] of [n, dims]."""
        for alignment in self.alignments:
            features = np.asarray(alignment.source(features))
        return features

    def target_features(self, features: np.ndarray) -> np.ndarray:
        """What the classifier is given of the target's features: [n, dims'] of [n, dims]."""
        for alignment in self.alignments:
            features = np.asarray(alignment.target(features))
        return features

    def source_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of the classes, [n, classes], on the source's features [n, dims]."""
        return self._probabilities(self.source_features(features))

    def target_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of the classes, [n, classes], on the target's features [n, dims]."""
        return self._probabilities(self.target_features(features))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Classes [n] of the target's features [n, dims]."""
        return self.target_probabilities(features).argmax(axis=1)

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(jax.nn.softmax(self.probe.decision(features)))


@dataclass(frozen=True)
class _Domains:
    """The features of both domains, of deviation 1 in the source, and how they are classified."""

    source: np.ndarray
    labels: np.ndarray
    target: np.ndarray
    C: float
    classes: int
    seed: int

    def softmax(self, features: jax.Array | np.ndarray) -> LinearProbe:
        return fit_softmax(np.asarray(features), self.labels, self.C, classes=self.classes)


Fitted = tuple[Alignment | None, LinearProbe]


def _aligned(domains: _Domains, alignment: Alignment) -> Fitted:
    return alignment, domains.softmax(alignment.source(domains.source))


def _source_only(domains: _Domains) -> Fitted:
    return None, domains.softmax(domains.source)


def _standardised(domains: _Domains) -> Fitted:
    return _aligned(domains, fit_standardisation(domains.source, domains.target))


def _coral(domains: _Domains) -> Fitted:
    return _aligned(domains, fit_coral(domains.source, domains.target))


def _sa(domains: _Domains) -> Fitted:
    dimension = min(DIMENSION, largest_dimension(domains.source, domains.target))
    return _aligned(domains, fit_alignment(domains.source, domains.target, dimension))


def _transport(domains: _Domains) -> Fitted:
    random = np.random.default_rng(domains.seed)
    source, target = (
        each[random.permutation(len(each))[:CARRIED]] for each in (domains.source, domains.target)
    )
    return _aligned(domains, fit_transport(source, target))


def _self_training(domains: _Domains) -> Fitted:
    fitted = fit_self_trained(
        domains.source, domains.labels, domains.target, domains.C, classes=domains.classes
    )
    return None, fitted.probe


FEATURE_METHODS: Mapping[str, Callable[[_Domains], Fitted]] = {
    SOURCE_ONLY: _source_only,
    "standardised": _standardised,
    "coral": _coral,
    "sa": _sa,
    "transport": _transport,
    "self_training": _self_training,
}


def fit_feature_methods(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    *,
    classes: int,
    methods: Iterable[str] = tuple(FEATURE_METHODS),
    seed: int = 0,
    tell: Callable[[str], None] = print,
) -> dict[str, FeatureModel]:
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
      {method: FeatureModel}, source only first.

    Raises:
      ValueError: if a method is unknown, or features or labels cannot be used.
    """
    wanted = list(dict.fromkeys((SOURCE_ONLY, *methods)))
    unknown = [method for method in wanted if method not in FEATURE_METHODS]
    if unknown:
        known = ", ".join(FEATURE_METHODS)
        raise ValueError(f"unknown method {unknown[0]!r}; expected one of {known}")
    require_domains(source, target)
    labels = check_examples(source, labels, classes)
    started = time.perf_counter()
    scale = fit_standardisation(source, target, alike=True)
    scaled = np.asarray(scale.source(source)), np.asarray(scale.target(target))
    C = _penalty(scaled[0], labels, classes, seed)
    tell(f"C = {C:g} by cross-validation on the source: {time.perf_counter() - started:.1f} s")
    domains = _Domains(scaled[0], labels, scaled[1], C, classes, seed)
    fitted = {}
    for number, method in enumerate(counted(wanted, "methods"), start=1):
        started = time.perf_counter()
        alignment, probe = FEATURE_METHODS[method](domains)
        alignments = (scale,) if alignment is None else (scale, alignment)
        seconds = time.perf_counter() - started
        fitted[method] = FeatureModel(alignments, probe, seconds)
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
