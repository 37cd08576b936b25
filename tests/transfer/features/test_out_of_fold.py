import numpy as np
import pytest

from jtransfer.data.splits import stratified_folds
from jtransfer.transfer.features.out_of_fold import out_of_fold_probabilities


def blobs(n: int = 90):
    """Three classes, one of whose examples is called another."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 3
    features = random.normal(size=(n, 6)).astype(np.float32) * 0.3
    features[np.arange(n), labels] += 1
    return features, labels


def test_probabilities_are_those_of_scikit_learn_without_the_fold():
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, labels = blobs()
    folds = stratified_folds(labels, 3, seed=0)
    found, C = out_of_fold_probabilities(features, labels, [2.0], folds, classes=3)
    assert C == 2
    for train, validation in folds:
        oracle = linear_model.LogisticRegression(C=2.0, tol=1e-8).fit(
            features[train], labels[train]
        )
        np.testing.assert_allclose(
            found[validation], oracle.predict_proba(features[validation]), atol=0.02
        )


def test_a_wrong_label_is_not_believed():
    features, labels = blobs()
    labels[0] = 1
    folds = stratified_folds(labels, 5, seed=0)
    found, _ = out_of_fold_probabilities(features, labels, [0.25, 1, 4], folds, classes=3)
    assert found[0].argmax() == 0


def test_folds_that_leave_examples_out_are_refused():
    features, labels = blobs()
    folds = stratified_folds(labels, 3, seed=0)[:2]
    with pytest.raises(ValueError, match="validate 60 of 90 examples; expected each once"):
        out_of_fold_probabilities(features, labels, [1.0], folds, classes=3)
