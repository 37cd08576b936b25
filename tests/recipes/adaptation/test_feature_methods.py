import numpy as np
import pytest

from jtransfer.recipes.adaptation import feature_methods
from jtransfer.recipes.adaptation.feature_methods import (
    FEATURE_METHODS,
    fit_feature_methods,
    needed_for,
)
from jtransfer.recipes.adaptation.feature_models import FeatureEnsemble
from jtransfer.transfer.adaptation.self_trained_probe import fit_self_trained


def domains(count=60):
    """Three classes in three directions; the target's features are scaled and moved, each its own.

    Returns the source, the labels of both, and the target.
    """
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    source, target = (4 * np.eye(3)[labels] + 0.5 * random.normal(size=(count, 3)) for _ in "st")
    target = target * [1.0, 1.5, 0.7] + [3.0, -3.0, 2.0]
    return source.astype(np.float32), labels, target.astype(np.float32)


def quiet(line):
    """Nothing is said."""


@pytest.fixture(scope="module")
def fitted():
    source, labels, target = domains()
    return fit_feature_methods(source, labels, target, classes=3, tell=quiet)


def test_every_method_gives_guesses_and_probabilities(fitted):
    source, labels, target = domains()
    assert list(fitted) == list(FEATURE_METHODS)
    for name, model in fitted.items():
        rows = model.target_probabilities(target)
        assert rows.shape == (60, 3)
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(model.predict(target), rows.argmax(axis=1))
        assert (model.source_probabilities(source).argmax(axis=1) == labels).mean() > 0.9, name
        assert model.seconds > 0


def test_adaptation_helps_where_a_domain_is_moved(fitted):
    _, labels, target = domains()
    accuracy = {name: (model.predict(target) == labels).mean() for name, model in fitted.items()}
    assert accuracy["source"] < 0.8
    for name in ("standardised", "coral", "transport"):
        assert accuracy[name] > 0.9, name


def test_the_ensemble_is_the_mean_of_all_scores_on_both_domains(fitted):
    source, _, target = domains()
    others = [fitted[name] for name in FEATURE_METHODS if name != "ensemble"]
    ensemble = fitted["ensemble"]
    assert ensemble.members == tuple(others)
    for side, features in (("source_scores", source), ("target_scores", target)):
        expected = np.mean([getattr(each, side)(features) for each in others], axis=0)
        np.testing.assert_allclose(getattr(ensemble, side)(features), expected, rtol=1e-6)
    # The product of the probabilities, to the power of one over their number.
    product = np.exp(np.mean([np.log(e.target_probabilities(target)) for e in others], axis=0))
    product /= product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ensemble.target_probabilities(target), product, atol=1e-5)


def test_self_training_begins_with_what_the_others_guess_together(monkeypatch):
    begun = []

    def recorded(*given, guesses, **settings):
        begun.append(guesses)
        return fit_self_trained(*given, guesses=guesses, **settings)

    monkeypatch.setattr(feature_methods, "fit_self_trained", recorded)
    source, labels, target = domains()
    fitted = fit_feature_methods(
        source, labels, target, classes=3, methods=("self_training", "coral"), tell=quiet
    )
    assert list(fitted) == ["source", "coral", "self_training"]  # not as they were named
    together = FeatureEnsemble((fitted["source"], fitted["coral"]))
    np.testing.assert_allclose(begun[0], together.target_probabilities(target), atol=1e-6)


def test_what_has_to_be_fitted_again_for_one_method():
    assert needed_for("coral", ("sa", "coral", "ensemble")) == ("coral",)
    for name in ("self_training", "ensemble"):
        assert needed_for(name, ("sa", name)) == ("sa", name)


def test_source_only_is_always_there_and_said_first():
    source, labels, target = domains()
    said = []
    fitted = fit_feature_methods(
        source, labels, target, classes=3, methods=("coral",), tell=said.append
    )
    assert list(fitted) == ["source", "coral"]
    assert len(said) == 3
    assert said[2].endswith("(2 of 2)")


def test_unequal_sizes_and_a_target_of_two_of_three_classes():
    source, labels, target = domains()
    few = target[labels != 1][:20]
    fitted = fit_feature_methods(source, labels, few, classes=3, tell=quiet)
    for name, model in fitted.items():
        assert np.isfinite(model.target_probabilities(few)).all(), name
    back = fit_feature_methods(few, labels[labels != 1][:20], source, classes=3, tell=quiet)
    assert len(back["transport"].predict(source)) == 60


def test_an_unknown_method_is_answered():
    source, labels, target = domains()
    with pytest.raises(ValueError, match="unknown method 'dann'; expected one of source, stand"):
        fit_feature_methods(source, labels, target, classes=3, methods=("dann",))
