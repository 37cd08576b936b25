"""Classifiers of the features of two domains: of one method, and of several together."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

import jax
import numpy as np

from jtransfer.transfer.features.probe import LinearProbe


class Alignment(Protocol):
    """What makes the features of two domains alike, [n, dims] to [n, dims']."""

    def source(self, features: np.ndarray) -> jax.Array:
        """Of the source."""
        ...

    def target(self, features: np.ndarray) -> jax.Array:
        """Of the target."""
        ...


@dataclass(frozen=True)
class FeatureClassifier(ABC):
    """A classifier that may take the features of the two domains in two ways.

    Attributes:
      seconds: that fitting it took; of an ensemble, beside its members.
    """

    seconds: float = field(default=0.0, kw_only=True)

    @property
    @abstractmethod
    def members(self) -> "tuple[FeatureModel, ...]":
        """The models whose scores are averaged."""

    def source_features(self, features: np.ndarray) -> np.ndarray:
        """What the first member's classifier is given of the source's features [n, dims]."""
        return self.members[0].source_features(features)

    def target_features(self, features: np.ndarray) -> np.ndarray:
        """What the first member's classifier is given of the target's features [n, dims]."""
        return self.members[0].target_features(features)

    def source_scores(self, features: np.ndarray) -> np.ndarray:
        """Class scores [n, classes] of the source's features [n, dims]."""
        return np.mean([each.source_scores(features) for each in self.members], axis=0)

    def target_scores(self, features: np.ndarray) -> np.ndarray:
        """Class scores [n, classes] of the target's features [n, dims]."""
        return np.mean([each.target_scores(features) for each in self.members], axis=0)

    def source_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of the classes, [n, classes], on the source's features [n, dims]."""
        return np.asarray(jax.nn.softmax(self.source_scores(features)))

    def target_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of the classes, [n, classes], on the target's features [n, dims]."""
        return np.asarray(jax.nn.softmax(self.target_scores(features)))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Classes [n] of the target's features [n, dims]."""
        return self.target_scores(features).argmax(axis=1)


@dataclass(frozen=True)
class FeatureModel(FeatureClassifier):
    """A method, fitted.

    Attributes:
      alignments: of both domains' features, one after the other.
      probe: the classifier of what comes out.
    """

    alignments: tuple[Alignment, ...]
    probe: LinearProbe

    @property
    def members(self) -> "tuple[FeatureModel, ...]":
        """Itself alone."""
        return (self,)

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

    def source_scores(self, features: np.ndarray) -> np.ndarray:
        """Class scores [n, classes] of the source's features [n, dims]."""
        return np.asarray(self.probe.decision(self.source_features(features)))

    def target_scores(self, features: np.ndarray) -> np.ndarray:
        """Class scores [n, classes] of the target's features [n, dims]."""
        return np.asarray(self.probe.decision(self.target_features(features)))


@dataclass(frozen=True)
class FeatureEnsemble(FeatureClassifier):
    """Several models, whose scores are averaged: a product of their probabilities (Hinton 2002).

    Attributes:
      models: of the same classes; source only is the first one, by whose features it is shown.
    """

    models: tuple[FeatureModel, ...]

    @property
    def members(self) -> tuple[FeatureModel, ...]:
        """The models."""
        return self.models
