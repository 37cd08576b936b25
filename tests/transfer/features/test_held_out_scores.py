import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestCentroid

from jtransfer.transfer.features.example_weights import balanced, even
from jtransfer.transfer.features.held_out_scores import (
    Fitting,
    fit_probe,
    held_out_scores,
)

CLASSES, FOLDS = 3, 4


def examples(n: int, dims: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of length 1 that tell something, labels and folds; every class in every fold."""
    rng = np.random.default_rng(0)
    labels = np.minimum(np.arange(n) % 4, CLASSES - 1)  # the last has twice as many
    means = rng.normal(size=(CLASSES, dims))
    features = means[labels] + 1.5 * rng.normal(size=(n, dims)) + 0.5
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), labels, (np.arange(n) // 4) % FOLDS


def sklearns(probe, penalty, x, y, weights, asked):
    if probe == "ridge":
        oracle = Ridge(alpha=penalty).fit(x, np.eye(CLASSES)[y], sample_weight=weights)
        return oracle.predict(asked)
    oracle = LogisticRegression(C=penalty, tol=1e-10, max_iter=10000)
    return oracle.fit(x, y, sample_weight=weights).decision_function(asked)


@pytest.mark.parametrize("weighting", [even, balanced])
@pytest.mark.parametrize(
    ("probe", "dims", "tolerance"), [("ridge", 6, 1e-5), ("ridge", 70, 1e-5), ("softmax", 6, 0.05)]
)
def test_each_model_is_sklearns_without_the_two_folds(probe, dims, tolerance, weighting):
    x, y, folds = examples(48, dims)
    penalties = (3.0, 0.5)
    found = held_out_scores(Fitting(x, y, CLASSES, weighting(y)), folds, probe, penalties)
    assert found.shape == (2, 48, FOLDS, CLASSES)
    for first, second in [(0, 0), (1, 3), (3, 1)]:
        seen, asked = (folds != first) & (folds != second), folds == first
        for place, penalty in enumerate(penalties):
            expected = sklearns(probe, penalty, x[seen], y[seen], weighting(y)[seen], x[asked])
            np.testing.assert_allclose(found[place, asked, second], expected, atol=tolerance)


def test_single_precision_gives_the_same_scores():
    x, y, folds = examples(400, 30)  # enough work for it
    found = held_out_scores(Fitting(x, y, CLASSES, balanced(y)), folds, "softmax", (1.0,))
    seen, asked = (folds != 0) & (folds != 2), folds == 2
    expected = sklearns("softmax", 1.0, x[seen], y[seen], balanced(y)[seen], x[asked])
    np.testing.assert_allclose(found[0, asked, 0], expected, atol=0.05)


def test_the_nearest_mean_is_sklearns():
    x, y, folds = examples(48, 6)
    found = held_out_scores(Fitting(x, y, CLASSES, even(y)), folds, "nearest mean", (1.0,))
    seen, asked = (folds != 1) & (folds != 2), folds == 2
    oracle = NearestCentroid().fit(x[seen], y[seen])
    assert found[0, asked, 1].argmax(axis=1).tolist() == oracle.predict(x[asked]).tolist()


@pytest.mark.parametrize("probe", ["ridge", "softmax", "nearest mean"])
def test_the_probe_of_all_examples(probe):
    x, y, _ = examples(48, 6)
    fitted = fit_probe(Fitting(x, y, CLASSES, balanced(y)), probe, 0.5)
    if probe == "nearest mean":
        means = np.stack([x[y == label].mean(axis=0) for label in range(CLASSES)])
        expected = -np.square(x[:, None] - means[None]).sum(axis=2) + np.square(x).sum(1)[:, None]
    else:
        expected = sklearns(probe, 0.5, x, y, balanced(y), x)
    np.testing.assert_allclose(fitted.decision(x), expected, atol=2e-3)


def test_balanced_weights_by_hand():
    np.testing.assert_allclose(balanced(np.array([0, 0, 0, 2])), [4 / 6, 4 / 6, 4 / 6, 2])


def test_a_class_that_a_model_would_not_see_is_named():
    x, y, folds = examples(48, 6)
    y = y.copy()
    y[(y == 1) & (folds > 1)] = 0
    with pytest.raises(ValueError, match="class 1 has no example outside folds 0 and 1"):
        held_out_scores(Fitting(x, y, CLASSES, even(y)), folds, "ridge", (1.0,))


def test_what_does_not_fit_is_refused():
    x, y, folds = examples(48, 6)
    with pytest.raises(ValueError, match="as many numbers above 0"):
        Fitting(x, y, CLASSES, np.ones(3))
    with pytest.raises(ValueError, match="positive finite"):
        held_out_scores(Fitting(x, y, CLASSES, even(y)), folds, "ridge", (0.0,))
    with pytest.raises(ValueError, match="at least 2"):
        held_out_scores(Fitting(x, y, CLASSES, even(y)), np.zeros(48, int), "ridge", (1.0,))
