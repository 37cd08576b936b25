import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import jtransfer as jt
from jtransfer.transfer.features.estimators import LinearProbe, RidgeProbe
from tests.transfer.features.test_probe import CLASSES, clouds

NAMES = np.array(["wolf", "fox", "red panda", "badger"])


# None is expected to fail. Two folds, for each costs a fit.
@parametrize_with_checks([LinearProbe(cv=2), RidgeProbe()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([LinearProbe("softmax", cv=2), LinearProbe(C=(0.1, 1.0))])
def test_more_of_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LinearProbe(C=0.5), LinearSVC(C=0.5, tol=1e-8, max_iter=100_000)),
        (LinearProbe("softmax", C=2.0), LogisticRegression(C=2.0, tol=1e-8, max_iter=10_000)),
    ],
    ids=["svm", "softmax"],
)
def test_scores_are_scikit_learns(ours, theirs):
    features, labels = clouds(120, 12)
    other, _ = clouds(50, 12, seed=1)
    ours.fit(features, NAMES[labels])
    theirs.fit(features, NAMES[labels])
    expected = theirs.decision_function(other)
    found = ours.decision_function(other)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    # The softmax's are known but for what all classes share.
    expected, found = (each - each.mean(axis=1, keepdims=True) for each in (expected, found))
    np.testing.assert_allclose(found, expected, atol=5e-3)
    np.testing.assert_array_equal(ours.predict(other), theirs.predict(other))
    assert set(ours.predict(other)) <= set(NAMES)


def test_a_softmax_of_two_classes_is_scikit_learns_at_twice_C():
    features, labels = clouds(60, 8)
    ours = LinearProbe("softmax", C=0.5).fit(features, labels % 2)
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=10_000).fit(features, labels % 2)
    expected = theirs.decision_function(features)
    np.testing.assert_allclose(ours.decision_function(features), expected, atol=2e-3)


def test_ridge_is_scikit_learns_with_two_classes():
    features, labels = clouds(60, 8)
    ours = RidgeProbe(penalty=2.0).fit(features, labels % 2)
    theirs = RidgeClassifier(alpha=2.0).fit(features, labels % 2)
    scores = ours.decision_function(features)
    np.testing.assert_allclose(scores, theirs.decision_function(features), atol=1e-5)
    np.testing.assert_array_equal(ours.predict(features), theirs.predict(features))


@pytest.mark.parametrize("estimator", [LinearProbe(C=1.0), LinearProbe("softmax"), RidgeProbe()])
def test_probabilities_are_worth_more_than_those_of_the_plain_scores(estimator):
    features, labels = clouds(200, 30, apart=3.0)
    other, truth = clouds(400, 30, seed=1, apart=3.0)
    estimator.fit(features, labels)
    probabilities = estimator.predict_proba(other)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), estimator.predict(other))
    plain = np.exp(estimator.decision_function(other))
    plain /= plain.sum(axis=1, keepdims=True)
    assert log_loss(truth, probabilities) < log_loss(truth, plain)
    confidence, right = probabilities.max(axis=1), estimator.predict(other) == truth
    assert abs(confidence.mean() - right.mean()) < 0.06


def test_the_temperature_is_of_examples_that_were_held_out():
    features, labels = clouds(60, 100)  # separable: seen examples say nothing
    probe = LinearProbe(C=10.0, cv=4).fit(features, labels)
    held_out = cross_val_predict(
        LinearSVC(C=10.0, tol=1e-6, max_iter=100_000),
        features,
        labels,
        cv=StratifiedKFold(4),
        method="decision_function",
    )
    temperatures = np.geomspace(0.05, 5, 1000)
    own = np.eye(CLASSES)[labels]
    shares = ((len(labels) + 1) * own + (1 - own) / (CLASSES - 1)) / (len(labels) + 2)
    logits = held_out[None] / temperatures[:, None, None]
    logs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    losses = -(shares[None] * logs).sum(axis=(1, 2))
    assert probe.temperature_ == pytest.approx(temperatures[losses.argmin()], rel=0.01)


def test_C_is_chosen_by_cross_validation():
    features, labels = clouds(80, 20, apart=1.0)
    probe = LinearProbe(C=(0.01, 0.1, 1.0, 10.0), cv=4).fit(features, labels)
    folds = list(StratifiedKFold(4).split(features, labels))
    choice = jt.cross_validate(
        features, labels, [0.01, 0.1, 1.0, 10.0], folds, kind="svm", classes=CLASSES
    )
    assert probe.C_ == choice.C
    np.testing.assert_allclose(probe.coef_, np.asarray(choice.probe.weights).T)


def test_a_grid_search_over_a_pipeline():
    features, labels = clouds(80, 12, apart=1.0)
    pipeline = make_pipeline(StandardScaler(), LinearProbe())
    grid = {"linearprobe__C": [1e-6, 0.1], "linearprobe__kind": ["svm", "softmax"]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="balanced_accuracy")
    search.fit(features, NAMES[labels])
    assert search.best_params_["linearprobe__C"] == 0.1
    assert search.score(features, NAMES[labels]) > 0.6


def test_it_is_cloned():
    features, labels = clouds(40, 6)
    probe = LinearProbe("softmax", C=3.0, cv=3).fit(features, NAMES[labels])
    assert not hasattr(clone(probe), "coef_")
    assert clone(probe).get_params() == {"kind": "softmax", "C": 3.0, "cv": 3, "class_weight": None}


def test_one_example_a_class_has_no_temperature():
    features = np.eye(3, 5, dtype=np.float32)
    probe = LinearProbe(C=10.0).fit(features, ["a", "b", "c"])
    assert probe.temperature_ == 1.0
    assert list(probe.predict(features)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("estimator", "labels", "said"),
    [
        (LinearProbe("forest"), [0, 1, 0, 1], "kind 'forest'; expected one of svm, softmax"),
        (LinearProbe(cv=1), [0, 1, 0, 1], "1 folds; expected 2 at least"),
        (LinearProbe(C=-1.0), [0, 1, 0, 1], "positive finite"),
        (LinearProbe(C=(1.0, 2.0)), [0, 1, 1, 1], "a class with 1 example"),
        (LinearProbe(), [1, 1, 1, 1], "1 class in 4 labels"),
        (RidgeProbe(penalty=0.0), [0, 1, 0, 1], "positive finite"),
    ],
)
def test_what_cannot_be_used_is_refused(estimator, labels, said):
    with pytest.raises(ValueError, match=said):
        estimator.fit(np.eye(4), labels)
