import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from jtransfer.transfer.features import blockwise_fit
from jtransfer.transfer.features.estimators import LinearProbe
from jtransfer.transfer.features.example_weights import example_weights
from jtransfer.transfer.features.probe import cross_validate, fit_softmax


@pytest.fixture(scope="module")
def uneven():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [120, 40, 10])
    features = random.normal(size=(170, 4)) + 0.8 * np.eye(3, 4)[labels]
    return features.astype(np.float32), labels


@pytest.mark.parametrize("given", [None, "balanced", [1.0, 3.0, 9.0]])
def test_weights_are_scikit_learns(uneven, given):
    _, labels = uneven
    theirs = given if given is None or isinstance(given, str) else dict(enumerate(given))
    expected = compute_sample_weight(theirs, labels)
    np.testing.assert_allclose(example_weights(labels, given, 3), expected)


@pytest.mark.parametrize("given", ["even", [1.0, 2.0], [1.0, 2.0, 0.0], [1.0, 2.0, np.nan]])
def test_other_weights_are_refused(uneven, given):
    with pytest.raises(ValueError, match=r"class_weight .*; expected"):
        example_weights(uneven[1], given, 3)


@pytest.mark.parametrize("many", [10**9, 50])
def test_a_balanced_probe_is_scikit_learns(uneven, many, monkeypatch):
    monkeypatch.setattr(blockwise_fit, "_MANY", many)
    features, labels = uneven
    ours = fit_softmax(features, labels, 2.0, classes=3, class_weight="balanced")
    theirs = LogisticRegression(C=2.0, class_weight="balanced", tol=1e-9, max_iter=5000)
    theirs.fit(features, labels)
    np.testing.assert_allclose(ours.weights.T, theirs.coef_, atol=5e-3)
    parts = np.arange(170) % 2
    folds = [(np.flatnonzero(parts != fold), np.flatnonzero(parts == fold)) for fold in (0, 1)]
    choice = cross_validate(
        features, labels, [2.0], folds, kind="softmax", classes=3, class_weight="balanced"
    )
    np.testing.assert_allclose(choice.probe.weights, ours.weights, atol=1e-6)


def test_an_estimator_takes_weights_by_label(uneven):
    features, labels = uneven
    names = np.array(["many", "some", "few"])[labels]
    ours = LinearProbe("softmax", C=2.0, class_weight={"few": 12.0}).fit(features, names)
    theirs = LogisticRegression(C=2.0, class_weight={"few": 12.0}, tol=1e-9, max_iter=5000)
    theirs.fit(features, names)
    assert (ours.predict(features) == theirs.predict(features)).mean() > 0.99
