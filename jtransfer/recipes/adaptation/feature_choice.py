"""The criteria of methods on features that need no label of the target, and the choice by them."""

from collections.abc import Mapping

import numpy as np

from jtransfer.data.synthetic.mnist_m import subset
from jtransfer.measure.choice import Choice, choose
from jtransfer.measure.selection import (
    batch_nuclear_norm,
    class_clustering,
    ensemble_agreement,
    information_maximization,
    soft_neighborhood_density,
    source_risk,
)
from jtransfer.recipes.adaptation.feature_methods import SOURCE_ONLY, FeatureModel

MOST = 2000  # target examples that criteria are taken of


def choose_feature_model(
    models: Mapping[str, FeatureModel],
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
    taken = subset(len(target), min(MOST, len(target)), np.random.default_rng(seed))
    target = target[taken]
    probabilities = {name: model.target_probabilities(target) for name, model in models.items()}
    guesses = {name: rows.argmax(axis=1) for name, rows in probabilities.items()}
    agreement = ensemble_agreement(list(guesses.values()))
    candidates = {
        name: {
            "source_risk": source_risk(
                model.source_probabilities(held_out).argmax(axis=1) != labels
            ),
            "class_clustering": class_clustering(
                model.target_features(target), guesses[name], classes=classes, seed=seed
            ),
            "ensemble_agreement": float(agreement[place]),
            "soft_neighborhood_density": soft_neighborhood_density(probabilities[name]),
            "batch_nuclear_norm": batch_nuclear_norm(probabilities[name]),
            "information_maximization": information_maximization(probabilities[name]),
        }
        for place, (name, model) in enumerate(models.items())
    }
    return choose(candidates, keep=SOURCE_ONLY)
