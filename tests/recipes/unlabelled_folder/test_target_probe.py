import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.recipes.adaptation.feature_methods import FEATURE_METHODS, fit_feature_methods
from jtransfer.recipes.adaptation.feature_models import FeatureModel
from jtransfer.recipes.unlabelled_folder.target_probe import target_probe
from jtransfer.transfer.adaptation.standardisation import Scale, Standardisation
from jtransfer.transfer.features.probe import LinearProbe

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
SOURCE = (np.eye(3, 8)[LABELS] + 0.2 * RANDOM.normal(size=(60, 8))).astype(np.float32)
TARGET = (3.0 + 0.5 * SOURCE[:40] + 0.1 * RANDOM.normal(size=(40, 8))).astype(np.float32)


def test_the_folded_classifier_by_hand():
    # (x - 1) / 2, then scores 4 y + 3: 2 x + 1.
    scale = Scale(jnp.array([1.0]), jnp.array([2.0]))
    probe = LinearProbe(jnp.array([[4.0]]), jnp.array([3.0]), jnp.zeros(()))
    folded = target_probe(
        FeatureModel((Standardisation(scale, scale),), probe), np.array([[5.0], [7.0]])
    )
    np.testing.assert_allclose(folded.weights, [[2.0]])
    np.testing.assert_allclose(folded.bias, [1.0])


def test_every_method_folds_into_a_linear_classifier():
    fitted = fit_feature_methods(SOURCE, LABELS, TARGET, classes=3, tell=lambda _: None)
    assert set(fitted) == set(FEATURE_METHODS)
    for model in fitted.values():
        found = jax.nn.softmax(target_probe(model, TARGET).decision(TARGET))
        np.testing.assert_allclose(found, model.target_probabilities(TARGET), atol=1e-4)


def test_a_map_that_is_not_affine_is_refused():
    class Squared:
        def source(self, features):
            return features

        def target(self, features):
            return features**2

    probe = LinearProbe(jnp.ones((8, 3)), jnp.zeros(3), jnp.zeros(()))
    with pytest.raises(ValueError, match="expected the same, as where every alignment is affine"):
        target_probe(FeatureModel((Squared(),), probe), TARGET)
