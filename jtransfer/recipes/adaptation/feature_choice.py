"""The criteria of methods on features that need no label of the target, and the choice by them."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import numpy as np

from jtransfer.data.synthetic.mnist_m import subset
from jtransfer.measure.choice import Choice, choose
from jtransfer.measure.selection import (
    batch_nuclear_norm,
    class_clustering,
    consensus,
    ensemble_agreement,
    information_maximization,
    soft_neighborhood_density,
    source_risk,
)
from jtransfer.recipes.adaptation.feature_methods import SOURCE_ONLY
from jtransfer.recipes.adaptation.feature_models import FeatureClassifier

MOST = 2000  # target examples that criteria are taken of


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model and the features that it is given.

    Attributes:
      model: fitted.
      held_out: of source examples that nothing was fitted to, [n, dims].
      target: of target examples, [m, dims].
    """

    model: FeatureClassifier
    held_out: np.ndarray
    target: np.ndarray


def choose_feature_model(
    models: Mapping[str, FeatureClassifier],
    held_out: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    *,
    classes: int,
    seed: int = 0,
) -> Choice:
    """Choose among methods on features without a label of the target.

    Args:
      models: from `fit_feature_methods`, source only among them, and one more.
      held_out: features of source examples that nothing was fitted to, [n, dims].
      labels: of them, [n].
      target: features of target examples, [m, dims]; at most 2,000 are taken at random.
      classes: how many there are.
      seed: of the draw and of k-means.

    Returns:
      The choice, with all criteria of every method; `jtransfer.measure.choice.RULE` decided.

    Raises:
      ValueError: if there are fewer than two models, or none is source only.
    """
    candidates = {name: Candidate(model, held_out, target) for name, model in models.items()}
    return choose_candidate(candidates, labels, classes=classes, seed=seed)


def choose_candidate(
    candidates: Mapping[str, Candidate], labels: np.ndarray, *, classes: int, seed: int = 0
) -> Choice:
    """Choose among models of which each may be given features of its own.

    Args:
      candidates: source only among them, and one more; all of the same examples.
      labels: of the held-out source examples, [n].
      classes: how many there are.
      seed: of the draw of at most 2,000 target examples, and of k-means.

    Returns:
      As `choose_feature_model` does; so are the errors.
    """
    count = min(len(each.target) for each in candidates.values()) if candidates else 0
    taken = subset(count, min(MOST, count), np.random.default_rng(seed))
    target = {name: each.target[taken] for name, each in candidates.items()}
    scores = {name: each.model.target_scores(target[name]) for name, each in candidates.items()}
    probabilities = {name: np.asarray(jax.nn.softmax(rows)) for name, rows in scores.items()}
    guesses = {name: rows.argmax(axis=1) for name, rows in probabilities.items()}
    agreement = ensemble_agreement(list(guesses.values()))
    together = consensus(list(scores.values()))
    values = {
        name: {
            "source_risk": source_risk(
                each.model.source_probabilities(each.held_out).argmax(axis=1) != labels
            ),
            "class_clustering": class_clustering(
                each.model.target_features(target[name]),
                guesses[name],
                classes=classes,
                seed=seed,
            ),
            "ensemble_agreement": float(agreement[place]),
            "consensus": float(together[place]),
            "soft_neighborhood_density": soft_neighborhood_density(probabilities[name]),
            "batch_nuclear_norm": batch_nuclear_norm(probabilities[name]),
            "information_maximization": information_maximization(probabilities[name]),
        }
        for place, (name, each) in enumerate(candidates.items())
    }
    return choose(values, keep=SOURCE_ONLY)
