import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from jtransfer.measure import mean_per_class_accuracy
from jtransfer.transfer.features.ridge import fit_ridge
from tests.transfer.features.test_probe import CLASSES, clouds


def test_one_ridge_by_hand():
    """x = -1 and 1, y = 0 and 1: b is the mean .5, and w (2 + penalty) = 1 (for y - .5 = ±.5)."""
    choice = fit_ridge(np.array([[-1.0], [1.0]], np.float32), np.array([0, 1]), [2.0], classes=2)
    np.testing.assert_allclose(choice.probe.weights, [[-0.25, 0.25]], rtol=1e-6)
    np.testing.assert_allclose(choice.probe.bias, [0.5, 0.5], rtol=1e-6)


# Fewer features than examples, and more.
@pytest.mark.parametrize("dims", [20, 100])
def test_ridge_is_scikit_learns(dims):
    features, labels = clouds(40, dims, apart=1.0)
    penalties = [0.1, 1.0, 10.0]
    choice = fit_ridge(features, labels, penalties, classes=CLASSES)
    targets = np.eye(CLASSES)[labels]
    for penalty, score in zip(sorted(penalties, reverse=True), choice.scores, strict=True):
        guesses = np.zeros(40, int)
        for train, left_out in LeaveOneOut().split(features):
            model = Ridge(penalty).fit(features[train], targets[train])
            guesses[left_out] = model.predict(features[left_out]).argmax(axis=1)
        assert score == pytest.approx(mean_per_class_accuracy(guesses, labels, CLASSES))
    assert choice.penalty == sorted(penalties, reverse=True)[choice.scores.argmax()]
    left_out = cross_val_predict(Ridge(choice.penalty), features, targets, cv=LeaveOneOut())
    np.testing.assert_allclose(choice.held_out, left_out, atol=1e-5)
    best = Ridge(choice.penalty).fit(features, targets)
    np.testing.assert_allclose(choice.probe.weights, best.coef_.T, atol=1e-5)
    np.testing.assert_allclose(choice.probe.bias, best.intercept_, atol=1e-5)


def left_out_accuracies(features, labels, penalties):
    """By fitting anew without each example, in float64."""
    features, targets = features.astype(np.float64), np.eye(CLASSES)[labels]
    return [
        mean_per_class_accuracy(
            np.array(
                [
                    Ridge(penalty, solver="svd")
                    .fit(features[train], targets[train])
                    .predict(features[left_out])
                    .argmax()
                    for train, left_out in LeaveOneOut().split(features)
                ]
            ),
            labels,
            CLASSES,
        )
        for penalty in sorted(penalties, reverse=True)
    ]


# More features than examples and fewer; repeated examples; few directions; all of them far away.
@pytest.mark.parametrize("dims", [100, 20])
@pytest.mark.parametrize("kind", ["as they are", "repeated", "few directions", "far away"])
def test_small_penalties_on_long_features(dims, kind):
    features, labels = clouds(30, dims, apart=1.0)
    if kind == "repeated":
        features, labels = features[np.arange(30) // 2], labels[np.arange(30) // 2]
    elif kind == "few directions":
        features = features[:, :5] @ np.random.default_rng(1).standard_normal((5, dims))
    features = 100 * features / np.linalg.norm(features, axis=1).mean()
    if kind == "far away":
        features += 1000
    features = features.astype(np.float32)
    penalties = [100.0, 0.1, 1e-3, 1e-4]
    choice = fit_ridge(features, labels, penalties, classes=CLASSES)
    np.testing.assert_allclose(choice.scores, left_out_accuracies(features, labels, penalties))
    best = Ridge(choice.penalty, solver="svd").fit(
        features.astype(np.float64), np.eye(CLASSES)[labels]
    )
    np.testing.assert_allclose(choice.probe.decision(features), best.predict(features), atol=2e-3)


def test_what_all_features_have_in_common_does_not_matter():
    features, labels = clouds(40, 60)
    there, away = (
        fit_ridge(each, labels, [0.5], classes=CLASSES).probe for each in (features, features + 3)
    )
    np.testing.assert_allclose(there.weights, away.weights, atol=1e-4)


def test_what_cannot_be_used():
    features, labels = clouds(12, 3)
    with pytest.raises(ValueError, match=r"penalties are \[0\.0\]; expected positive"):
        fit_ridge(features, labels, [0.0], classes=CLASSES)
    with pytest.raises(ValueError, match="at least two of them"):
        fit_ridge(features, np.zeros(12, int), [1.0], classes=CLASSES)
    for value in (np.nan, np.inf):
        features[5, 1] = value
        with pytest.raises(ValueError, match="row 5 of the features holds NaN or infinity"):
            fit_ridge(features, labels, [1.0], classes=CLASSES)
