"""The rule of the choice on targets where there is nothing to gain."""

import numpy as np
import pytest

from jtransfer.measure.choice import CLUSTERED
from jtransfer.recipes.adaptation.feature_choice import choose_feature_model
from jtransfer.recipes.adaptation.feature_methods import fit_feature_methods

CLASSES, DIMS, COUNT = 7, 80, 105
CENTRES = np.random.default_rng(7).normal(size=(CLASSES, DIMS))


def domain(seed, labels):
    """Classes around their centres, so near each other that about a sixth is taken for another."""
    random = np.random.default_rng(seed)
    rows = CENTRES[labels] + 2.5 * random.normal(size=(len(labels), DIMS))
    return rows.astype(np.float32)


def chosen(target, seed):
    """The choice, and the models that it was between."""
    labels = np.arange(COUNT) % CLASSES
    source, held_out = domain(seed, labels), domain(seed + 100, labels)
    models = fit_feature_methods(
        source,
        labels,
        target,
        classes=CLASSES,
        seed=seed,
        tell=lambda _: None,
    )
    choice = choose_feature_model(models, held_out, labels, target, classes=CLASSES, seed=seed)
    return choice, models


@pytest.mark.parametrize("seed", [0, 1])
def test_a_target_that_is_the_source_loses_nothing(seed):
    labels = np.arange(COUNT) % CLASSES
    target = domain(seed, labels)
    choice, models = chosen(target, seed)
    accuracy = {name: (model.predict(target) == labels).mean() for name, model in models.items()}
    assert accuracy[choice.name] >= accuracy["source"] - 0.01


@pytest.mark.parametrize("seed", [0, 1])
def test_a_target_of_noise_keeps_the_source_model(seed):
    noise = np.random.default_rng(seed).normal(size=(800, DIMS)).astype(np.float32)
    choice, _ = chosen(noise, seed)
    assert choice.keeps_source
    assert choice.values["ensemble"]["class_clustering"] < CLUSTERED


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_three_of_seven_classes_lose_nothing(seed):
    labels = np.arange(COUNT) % 3
    target = domain(seed + 50, labels) + 0.5
    choice, models = chosen(target, seed)
    accuracy = {name: (model.predict(target) == labels).mean() for name, model in models.items()}
    assert accuracy[choice.name] >= accuracy["source"] - 0.01
