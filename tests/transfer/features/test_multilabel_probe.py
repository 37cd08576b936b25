import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC

from jtransfer.measure.average_precision import voc_average_precision
from jtransfer.transfer.features.multilabel_probe import fit_multilabel_svm
from jtransfer.transfer.features.probe import fit_svm

CLASSES = 3


def scenes(count=100, seed=0):
    """Features that are sums of a direction for each class shown, and labels, some left out."""
    random = np.random.default_rng(seed)
    shown = random.random((count, CLASSES)) < 0.4
    features = random.normal(size=(count, 12)) + 2 * shown @ np.eye(CLASSES, 12)
    labels = np.where(random.random(shown.shape) < 0.15, 0, np.where(shown, 1, -1))
    return features.astype(np.float32), labels


def objective(weights, bias, features, signs, C):
    short = np.maximum(0, 1 - signs * (features @ weights + bias))
    return 0.5 * (weights @ weights + bias**2) + C * (short**2).sum()


@pytest.mark.parametrize("C", [0.05, 5.0])
def test_each_class_is_scikit_learns_on_what_is_judged(C):
    features, labels = scenes()
    probe = fit_multilabel_svm(features, labels, C)
    assert float(probe.excess) <= 1e-5
    others, _ = scenes(50, seed=1)
    decision = np.asarray(probe.decision(others))
    for column, signs in enumerate(labels.T):
        judged = signs != 0
        theirs = LinearSVC(C=C, tol=1e-8, max_iter=1_000_000).fit(features[judged], signs[judged])
        weights, bias = np.asarray(probe.weights[:, column]), float(probe.bias[column])
        ours = objective(weights, bias, features[judged], signs[judged], C)
        best = objective(theirs.coef_[0], theirs.intercept_[0], features[judged], signs[judged], C)
        assert ours == pytest.approx(best, rel=1e-4)
        np.testing.assert_allclose(decision[:, column], theirs.decision_function(others), atol=0.02)


def test_what_is_left_out_has_no_influence():
    features, labels = scenes()
    moved = features.copy()
    labels[::7] = 0
    moved[::7] += 1
    one, other = (fit_multilabel_svm(x, labels, 1.0) for x in (features, moved))
    np.testing.assert_allclose(one.weights, other.weights, atol=5e-3)
    np.testing.assert_allclose(one.bias, other.bias, atol=5e-3)


def test_one_label_an_image_is_one_against_the_rest():
    features, _ = scenes()
    numbers = np.arange(100) % CLASSES
    signs = 2 * np.eye(CLASSES, dtype=int)[numbers] - 1
    several = fit_multilabel_svm(features, signs, 1.0)
    one = fit_svm(features, numbers, 1.0, classes=CLASSES)
    np.testing.assert_allclose(several.weights, one.weights, atol=1e-3)
    np.testing.assert_allclose(several.bias, one.bias, atol=1e-3)


def test_its_scores_are_judged_as_voc_does():
    features, labels = scenes(200)
    probe = fit_multilabel_svm(features[:100], labels[:100], 1.0)
    scores, signs = np.asarray(probe.decision(features[100:])), labels[100:]
    values = voc_average_precision(scores, signs, interpolation="all-point")
    for value, score, sign in zip(values, scores.T, signs.T, strict=True):
        plain = average_precision_score(sign[sign != 0] == 1, score[sign != 0])
        assert plain - 1e-9 <= value <= plain + 0.05
        assert value > 0.8


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"features": np.zeros((4, 2, 2))}, r"features \(4, 2, 2\) and labels \(4, 2\); expected"),
        ({"labels": np.ones(4, int)}, r"features \(4, 2\) and labels \(4,\); expected"),
        ({"labels": np.ones((3, 2), int)}, r"labels \(3, 2\); expected"),
        ({"features": np.full((4, 2), np.nan)}, "row 0 of the features holds NaN"),
        ({"labels": np.array([[1, 2]] * 4)}, r"labels hold \[1, 2\]; expected 1 \(shown\)"),
        ({"labels": np.array([[1, -1], [-1, 0]] * 2)}, "no image shows class 1"),
        ({"labels": np.array([[1, 1], [-1, 0]] * 2)}, r"no image is without class 1.*2 \* labels"),
        ({"C": np.inf}, r"C is \[inf\]; expected positive"),
    ],
)
def test_what_cannot_be_used(change, says):
    usable = {"features": np.eye(4, 2), "labels": np.array([[1, -1], [-1, 1]] * 2), "C": 1.0}
    with pytest.raises(ValueError, match=says):
        fit_multilabel_svm(**{**usable, **change})
