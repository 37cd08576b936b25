import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.svm import LinearSVC

from jtransfer.data.examples import DataError
from jtransfer.data.splits import per_class_split, stratified_folds
from jtransfer.recipes.features.layer_probe import Protocol, probe_layer

CLASSES = ("a", "b", "c")
PROTOCOL = Protocol(train=8, test_at_most=5, folds=2, inner_folds=2, penalties=(4.0, 0.25))


def features_and_labels():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 14)
    means = random.normal(size=(3, 6))
    return 10 * (means[labels] + random.normal(size=(42, 6))), labels


def scikit_learns(features, labels, C, train, test):
    svm = LinearSVC(C=C, tol=1e-9, max_iter=100_000).fit(features[train], labels[train])
    return balanced_accuracy_score(labels[test], svm.predict(features[test]))


def test_folds_are_scikit_learns_on_the_same_splits():
    features, labels = features_and_labels()
    result = probe_layer(features, labels, classes=CLASSES, kind="svm", protocol=PROTOCOL)
    assert result["dims"] == 6
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for fold, measured in enumerate(result["measured"]):
        train, test = per_class_split(labels, train=8, test_at_most=5, seed=fold)
        inner = stratified_folds(labels[train], 2, seed=fold)
        expected = [
            np.mean([scikit_learns(unit[train], labels[train], C, *parts) for parts in inner])
            for C in (0.25, 4.0)
        ]
        assert measured["validation"] == pytest.approx(expected, abs=1e-4)
        assert measured["C"] == (0.25, 4.0)[int(np.argmax(expected))]
        accuracy = scikit_learns(unit, labels, measured["C"], train, test)
        assert measured["accuracy"] == pytest.approx(accuracy)


def test_what_is_absent_is_neither_trained_nor_tested_on():
    features, labels = features_and_labels()
    present = np.arange(42) % 7 != 3
    given = np.where(present[:, None], features, np.nan)
    how = {"classes": CLASSES, "kind": "softmax", "protocol": PROTOCOL}
    result = probe_layer(given, labels, present=present, **how)
    alone = probe_layer(features[present], labels[present], **how)
    for each, other in zip(result["measured"], alone["measured"], strict=True):
        assert {**each, "seconds": 0} == {**other, "seconds": 0}


def test_by_default_the_papers_protocol_which_needs_31_images_a_class():
    features, labels = features_and_labels()
    with pytest.raises(DataError, match="30"):
        probe_layer(features, labels, classes=CLASSES, kind="svm")


def test_without_a_fold_nothing_is_measured():
    with pytest.raises(ValueError, match="0 folds; expected at least one"):
        Protocol(folds=0)
