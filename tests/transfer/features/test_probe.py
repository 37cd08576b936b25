from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from jtransfer.transfer.features.probe import cross_validate, fit_softmax, fit_svm

CLASSES = 4


def clouds(count, dims, seed=0, apart=2.0):
    """Features of length 1 around a direction for each class, and their classes."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    features = random.normal(size=(count, dims)) + apart * np.eye(CLASSES, dims)[labels]
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), labels


def svm_objective(weights, bias, features, labels, C):
    signs = np.where(labels[:, None] == np.arange(CLASSES), 1, -1)
    short = np.maximum(0, 1 - signs * (features @ weights + bias))
    return 0.5 * (weights**2).sum() + 0.5 * (bias**2).sum() + C * (short**2).sum()


def softmax_objective(weights, bias, features, labels, C):
    scores = features @ weights + bias
    logs = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(labels)), labels]
    return 0.5 * (weights**2).sum() + C * logs.sum()


# Fewer features than examples, and more.
@pytest.mark.parametrize("dims", [20, 300])
@pytest.mark.parametrize("C", [0.05, 1.0, 30.0])
@pytest.mark.parametrize(
    ("fit", "rival", "objective"),
    [
        (fit_svm, partial(LinearSVC, tol=1e-8, max_iter=1_000_000), svm_objective),
        (fit_softmax, partial(LogisticRegression, tol=1e-8, max_iter=100_000), softmax_objective),
    ],
    ids=["svm", "softmax"],
)
def test_a_probe_is_scikit_learns(fit, rival, objective, dims, C):
    features, labels = clouds(120, dims)
    probe = fit(features, labels, C, classes=CLASSES)
    theirs = rival(C=C).fit(features, labels)
    ours = objective(np.asarray(probe.weights), np.asarray(probe.bias), features, labels, C)
    best = objective(theirs.coef_.T, theirs.intercept_, features, labels, C)
    assert ours == pytest.approx(best, rel=1e-4)
    assert float(probe.excess) <= 1e-5
    other, _ = clouds(400, dims, seed=1)
    same = np.asarray(probe.predict(other)) == theirs.predict(other)
    assert same.mean() >= 0.995


@pytest.mark.parametrize("dims", [20, 300])
def test_a_softmax_of_some_examples_is_that_of_them_alone(dims):
    features, labels = clouds(120, dims)
    learned = np.random.default_rng(0).random(120) < 0.6
    probe = fit_softmax(features, labels, 1.0, classes=CLASSES, learned=learned)
    alone = fit_softmax(features[learned], labels[learned], 1.0, classes=CLASSES)
    np.testing.assert_allclose(probe.decision(features), alone.decision(features), atol=0.02)
    assert float(probe.excess) <= 1e-5
    with pytest.raises(ValueError, match=r"learned has shape \(3,\) for 120 examples"):
        fit_softmax(features, labels, 1.0, classes=CLASSES, learned=learned[:3])


@pytest.mark.parametrize("C", [64.0, 1000.0])
def test_a_softmax_of_many_classes_and_large_C_is_scikit_learns(C):
    """A loss that is bent at the start and straight at Newton's first step, which leads back."""
    labels = np.arange(120) % 40
    noise = np.random.default_rng(0).normal(size=(120, 60))
    features = (np.eye(40, 60)[labels] + 0.03 * noise).astype(np.float32)
    probe = fit_softmax(features, labels, C, classes=40)
    theirs = LogisticRegression(C=C, tol=1e-8, max_iter=100_000).fit(features.astype(float), labels)
    ours = softmax_objective(np.asarray(probe.weights), np.asarray(probe.bias), features, labels, C)
    best = softmax_objective(theirs.coef_.T, theirs.intercept_, features, labels, C)
    assert ours == pytest.approx(best, rel=1e-4)


def test_one_svm_by_hand():
    """x = 1 and x = -1: by symmetry b = 0, and w + 2 C (-2 (1 - w)) = 0, so w = 4 C / (1 + 4 C)."""
    features, labels = np.array([[-1.0], [1.0]], np.float32), np.array([0, 1])
    probe = fit_svm(features, labels, 0.5, classes=2)
    np.testing.assert_allclose(probe.weights, [[-2 / 3, 2 / 3]], rtol=1e-3)
    np.testing.assert_allclose(probe.bias, [0, 0], atol=1e-3)


@pytest.mark.parametrize("kind", ["svm", "softmax"])
def test_cross_validation_is_a_fit_on_every_fold(kind):
    features, labels = clouds(60, 40, apart=1.0)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(features, labels))
    penalties = (10.0, 0.01, 1.0)
    choice = cross_validate(
        features, labels, penalties, folds, kind=kind, classes=CLASSES, tolerance=1e-5
    )
    assert choice.scores.shape == (3, 3)
    fit = {"svm": fit_svm, "softmax": fit_softmax}[kind]
    for row, C in enumerate(sorted(penalties)):
        for column, (train, validation) in enumerate(folds):
            probe = fit(features[train], labels[train], C, classes=CLASSES)
            right = np.asarray(probe.predict(features[validation])) == labels[validation]
            each = [right[labels[validation] == label].mean() for label in range(CLASSES)]
            # One example of a class of five may lie on the border.
            assert choice.scores[row, column] == pytest.approx(np.mean(each), abs=0.051)
    assert sorted(penalties)[choice.scores.mean(axis=1).argmax()] == choice.C
    assert choice.excess <= 1e-5
    refitted = fit(features, labels, choice.C, classes=CLASSES)
    np.testing.assert_array_equal(choice.probe.weights, refitted.weights)
    np.testing.assert_array_equal(choice.probe.bias, refitted.bias)


@pytest.mark.parametrize("kind", ["svm", "softmax"])
def test_what_all_features_have_in_common_costs_no_iterations(kind):
    """ReLU features share a direction some times as long as what tells them apart."""
    features, labels = clouds(60, 40, apart=1.0)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(features, labels))
    iterations = [
        cross_validate(moved, labels, [0.1, 1, 10], folds, kind=kind, classes=CLASSES).iterations
        for moved in (features, features + 0.5)
    ]
    assert (iterations[1] <= iterations[0] + 5).all()


@pytest.mark.parametrize("fit", [fit_svm, fit_softmax])
def test_what_cannot_be_used(fit):
    features, labels = clouds(12, 3)
    holed = features.copy()
    holed[7, 1] = np.nan
    with pytest.raises(ValueError, match="row 7 of the features holds NaN"):
        fit(holed, labels, 1.0, classes=CLASSES)
    with pytest.raises(ValueError, match="at least two of them"):
        fit(features, np.zeros(12, int), 1.0, classes=CLASSES)
    with pytest.raises(ValueError, match="labels from 0 to 3, 4 of them different; expected"):
        fit(features, labels, 1.0, classes=3)
    with pytest.raises(ValueError, match=r"C is \[-1\.0\]; expected positive"):
        fit(features, labels, -1.0, classes=CLASSES)
    with pytest.raises(ValueError, match=r"expected \[n, dims\] and \[n\]"):
        fit(features, labels[:5], 1.0, classes=CLASSES)


def test_a_fold_without_a_class():
    features, labels = clouds(12, 3)
    part = np.flatnonzero(labels != 2)
    with pytest.raises(ValueError, match="fold 0 has no example of class 2 to train on"):
        cross_validate(features, labels, [1.0], [(part, part)], kind="svm", classes=CLASSES)


@pytest.mark.parametrize("fit", [fit_svm, fit_softmax])
@pytest.mark.parametrize(
    ("label", "says"),
    [
        (0.5, r"label 5 is 0\.5; expected the number of a class"),
        (-1, "labels from -1 to 3, 5 of them different; expected numbers from 0 to 3"),
        (np.nan, "label 5 is nan"),
    ],
)
def test_labels_that_are_no_class_numbers(fit, label, says):
    """.5 became class 0."""
    features, labels = clouds(12, 3)
    labels = labels.astype(type(label))
    labels[5] = label
    with pytest.raises(ValueError, match=says):
        fit(features, labels, 1.0, classes=CLASSES)
    folds = [(np.arange(12), np.arange(12))]
    with pytest.raises(ValueError, match=says):
        cross_validate(features, labels, [1.0], folds, kind="svm", classes=CLASSES)


def test_labels_and_features_of_any_type_are_the_same():
    features, labels = clouds(12, 3)
    plain = fit_svm(features, labels, 1.0, classes=CLASSES)
    other = fit_svm(features.astype(float), labels.astype(np.uint8), 1.0, classes=CLASSES)
    np.testing.assert_array_equal(other.weights, plain.weights)


def test_a_kind_of_classifier_that_is_not_there():
    features, labels = np.eye(4), np.array([0, 1, 0, 1])
    folds = [(np.array([0, 1]), np.array([2, 3]))]
    with pytest.raises(ValueError, match="kind 'tree'; expected one of svm, softmax"):
        cross_validate(features, labels, [1.0], folds, kind="tree", classes=2)
