import numpy as np
import pytest

from jtransfer.measure.selection import CRITERIA
from jtransfer.recipes.adaptation.feature_choice import choose_feature_model
from jtransfer.recipes.adaptation.feature_models import FeatureModel
from jtransfer.transfer.adaptation.standardisation import fit_standardisation
from jtransfer.transfer.features.probe import LinearProbe

LABELS = np.arange(30) % 3
SOURCE = (np.eye(3)[LABELS] + 0.05 * np.random.default_rng(0).normal(size=(30, 3))).astype(
    np.float32
)
TARGET = 0.5 * SOURCE + np.array([[2.0, 0.0, 0.0]], np.float32)


def model(*alignments):
    """The class whose feature is the largest, by hand."""
    return FeatureModel(
        alignments, LinearProbe(4 * np.eye(3), np.zeros(3), np.zeros(())), seconds=0.0
    )


def test_a_method_that_is_right_is_chosen_over_source_only_and_said_by_criteria():
    right = model(fit_standardisation(SOURCE, TARGET))
    models = {"source": model(), "standardised": right, "the same": right}
    assert (models["source"].predict(TARGET) == 0).all()
    choice = choose_feature_model(models, SOURCE, LABELS, TARGET, classes=3)
    assert choice.name == "standardised"
    assert set(choice.values["source"]) <= set(CRITERIA)
    assert choice.values["source"]["class_clustering"] == 0
    assert choice.values["standardised"]["class_clustering"] == pytest.approx(1)
    assert choice.values["standardised"]["ensemble_agreement"] == pytest.approx((1 + 1 / 3) / 2)
    assert choice.values["source"]["source_risk"] == 0


def test_a_target_that_is_the_source_keeps_the_source_model():
    same = model(fit_standardisation(SOURCE, SOURCE))
    choice = choose_feature_model(
        {"standardised": same, "source": model()}, SOURCE, LABELS, SOURCE, classes=3
    )
    assert choice.keeps_source
