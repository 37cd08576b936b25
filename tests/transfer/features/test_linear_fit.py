import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from jtransfer.transfer.features import linear_fit
from jtransfer.transfer.features.linear_fit import ConvergenceWarning, LinearFit
from jtransfer.transfer.features.logistic_regression import fit_logistic
from jtransfer.transfer.features.multilabel_probe import fit_multilabel_svm
from jtransfer.transfer.features.probe import cross_validate, fit_softmax, fit_svm


def cancer():
    features, labels = load_breast_cancer(return_X_y=True)
    return (features - features.mean(axis=0)) / features.std(axis=0), labels


def clouds(count=60, dims=40, classes=4):
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    features = random.normal(size=(count, dims)) + np.eye(classes, dims)[labels]
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), labels


def svm_objective(probe, features, signs, C):
    weights, bias = (np.asarray(each, np.float64) for each in (probe.weights, probe.bias))
    short = np.maximum(0, 1 - signs * (features @ weights + bias))
    return ((weights**2).sum(axis=0) + bias**2) / 2 + C * (short**2).sum(axis=0)


def softmax_objective(weights, bias, features, labels, C):
    scores = features @ np.asarray(weights, np.float64) + np.asarray(bias, np.float64)
    highest = scores.max(axis=1, keepdims=True)
    logs = highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1))
    own = scores[np.arange(len(labels)), labels]
    return (np.asarray(weights, np.float64) ** 2).sum() / 2 + C * (logs - own).sum()


def liblinear(features, signs, C):
    """Its objective, and whether it says that it has converged."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = LinearSVC(C=C, dual=False, fit_intercept=False, tol=1e-9, max_iter=10_000)
        fit.fit(np.c_[features, np.ones(len(features))], signs)
    short = np.maximum(0, 1 - signs * (np.c_[features, np.ones(len(features))] @ fit.coef_[0]))
    return fit.coef_[0] @ fit.coef_[0] / 2 + C * (short**2).sum(), not caught


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_an_svm_is_liblinears_whatever_the_features_scale(scale, C):
    features, labels = cancer()
    probe = fit_svm(features * scale, labels, C, classes=2)
    assert 0 <= float(probe.excess) <= 1e-5
    signs = 2 * labels - 1
    ours = svm_objective(probe, features * scale, signs[:, None] * [-1, 1], C)
    best, converged = liblinear(features * scale, signs, C)
    assert (ours <= best * (1 + 1e-5)).all()
    if converged and scale <= 1:
        np.testing.assert_allclose(ours, best, rtol=1e-4)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_a_softmax_is_scikit_learns_whatever_the_features_scale(scale, C):
    """What features s x have at C is what x have at C s^2, the weights divided by s.

    With two classes these are (-u, u) / 2 of a logistic's weights u, whose penalty is u^2 / 4.
    """
    features, labels = cancer()
    probe = fit_softmax(features * scale, labels, C, classes=2)
    assert 0 <= float(probe.excess) <= 1e-5
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = LogisticRegression(C=2 * C * scale**2, tol=1e-10, solver="newton-cholesky")
        theirs.fit(features, labels)
    weights = np.outer(theirs.coef_[0] / scale, [-0.5, 0.5])
    bias = theirs.intercept_[0] * np.array([-0.5, 0.5])
    given = (features * scale, labels, C)
    best = softmax_objective(weights, bias, *given)
    ours = softmax_objective(probe.weights, probe.bias, *given)
    assert ours <= best * (1 + 2e-5)
    if not caught:
        assert ours == pytest.approx(best, rel=2e-5)


def test_digits_from_0_to_255():
    """It ended at 6.5 times the optimum."""
    C = 0.01
    images, labels = load_digits(return_X_y=True)
    features, signs = images[::4] * 255 / 16, 2 * (labels[::4, None] == np.arange(10)) - 1
    probe = fit_svm(features, labels[::4], C, classes=10)
    assert float(probe.excess) <= 1e-5
    ours = svm_objective(probe, features, signs, C)
    for output in (3, 8):
        best, _ = liblinear(features, signs[:, output], C)
        assert ours[output] <= best * (1 + 1e-5)
        assert ours[output] >= best * 0.9
    assert float(fit_softmax(features, labels[::4], C, classes=10).excess) <= 1e-5


@pytest.mark.parametrize("fit", [fit_svm, fit_softmax])
def test_a_constant_feature_of_a_million(fit):
    """It gave an accuracy of .30, and NaN: the constant is a bias, and for the softmax nothing."""
    features, labels = cancer()
    plain = fit(features, labels, 1.0, classes=2)
    beside = fit(np.c_[features, np.full(len(labels), 1e6)], labels, 1.0, classes=2)
    assert float(beside.excess) <= 1e-5
    right = np.asarray(beside.predict(np.c_[features, np.full(len(labels), 1e6)])) == labels
    assert right.mean() > 0.98
    if fit is fit_softmax:
        np.testing.assert_allclose(beside.weights[:-1], plain.weights, atol=1e-3)
        np.testing.assert_array_equal(beside.weights[-1], 0)


def test_features_of_ten_thousand_beside_a_constant():
    """The excess was 2.8e11, without a word."""
    features, labels = cancer()
    given = np.c_[features * 1e4, np.ones(len(labels))]
    for fit in (fit_svm, fit_softmax):
        assert 0 <= float(fit(given, labels, 1.0, classes=2).excess) <= 1e-5
    each = fit_multilabel_svm(given, 2 * np.eye(2, dtype=int)[labels] - 1, 1.0)
    np.testing.assert_allclose(each.weights, fit_svm(given, labels, 1.0, classes=2).weights)


@pytest.mark.parametrize("penalty", [1e-4, 0.01, 1.0])
def test_logistic_regression_of_a_small_penalty(penalty):
    """It ended at 1.33 times the optimum, of 1e-4, and said 1e-5."""
    features, labels = cancer()
    (probe,) = fit_logistic(features, labels[:, None], [penalty], kind="each")
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, solver="newton-cholesky")
    theirs.fit(features, labels)

    def objective(weights, bias):
        scores = features @ weights + bias
        loss = np.logaddexp(0, scores) - labels * scores
        return loss.sum() + penalty / 2 * (weights @ weights)

    best = objective(theirs.coef_[0], theirs.intercept_[0])
    ours = objective(np.asarray(probe.weights[:, 0], float), float(probe.bias[0]))
    assert ours == pytest.approx(best, rel=2e-5)
    assert float(probe.excess) <= 1e-5


@pytest.mark.parametrize("kind", ["svm", "softmax"])
def test_single_precision_finds_the_same(kind, monkeypatch):
    features, labels = clouds()
    everyone, targets = np.ones((60, 1)), np.eye(4)[labels]
    for moved in (features, features + 100):  # an SVM's bias is turned there
        double = LinearFit(moved, targets, kind).one(everyone, 2.0, tolerance=1e-5, most=500)
        with monkeypatch.context() as patch:
            patch.setattr(linear_fit, "_SMALL", 0)
            fit = LinearFit(moved, targets, kind)
            assert fit.in_single(np.array([2.0, 1e9])).tolist() == [True, False]
            path = fit._path(everyone, np.array([2.0]), 1e-5, 500)
            single = fit.one(everyone, 2.0, tolerance=1e-4, most=500)
        assert (np.asarray(path.excess) <= 1e-5).all()
        found = fit.conditioned.in_given_units(fit._start(path, 0, 0))
        np.testing.assert_allclose(found[0], double.weights, atol=0.01)
        np.testing.assert_allclose(single.weights, double.weights, atol=0.02)
        assert float(single.excess) <= 1e-4


@pytest.mark.parametrize("kind", ["svm", "softmax"])
def test_folds_are_the_same_in_either_precision(kind, monkeypatch):
    features, labels = clouds()
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(features, labels))

    def choose():
        return cross_validate(features, labels, [0.1, 1, 1e5], folds, kind=kind, classes=4)

    double = choose()
    monkeypatch.setattr(linear_fit, "_SMALL", 0)
    single = choose()  # of two C; the third is beyond float32
    assert single.excess <= 1e-4
    assert (single.iterations > 0).all()
    # One example of a class of five may lie on the border.
    np.testing.assert_allclose(single.scores, double.scores, atol=0.051)


def test_the_gram_matrix_of_many_examples_is_never_made(monkeypatch):
    """That of 60,000 takes 14 GB."""
    many = LinearFit(np.zeros((60_000, 1)), np.broadcast_to(np.float32(0), (60_000, 1000)), "svm")
    assert not many.in_single(np.array([1e-9])).any()
    features, labels = clouds()
    monkeypatch.setattr(linear_fit, "_SMALL", 0)
    monkeypatch.setattr(linear_fit, "GRAM_BYTES", 4 * 59**2)
    monkeypatch.setattr(linear_fit, "gram_matrix", None)
    assert float(fit_svm(features, labels, 1.0, classes=4).excess) <= 1e-5
    choice = cross_validate(
        features, labels, [1.0], [(np.arange(40), np.arange(40, 60))], kind="svm", classes=4
    )
    assert choice.excess <= 1e-4


def test_where_it_stops_short_it_says_so(monkeypatch):
    features, labels = cancer()
    folds = list(StratifiedKFold(2, shuffle=True, random_state=0).split(features, labels))
    with pytest.warns(ConvergenceWarning, match=r"the svm at C = 100 stopped.*expected 1e-05.*C"):
        assert float(fit_svm(features, labels, 100.0, classes=2, most=1).excess) > 1e-5
    with pytest.warns(ConvergenceWarning, match=r"the softmax at C = 100 stopped up to"):
        fit_softmax(features, labels, 100.0, classes=2, most=1)
    with pytest.warns(ConvergenceWarning, match=r"at penalty 0\.01 stopped.*raise `most`"):
        fit_logistic(features, labels[:, None], [0.01], kind="each", most=1)
    with pytest.warns(
        ConvergenceWarning, match=r"4 of the 4 svm fits on folds, those at C = 1, 10,"
    ):
        cross_validate(features, labels, [10, 1], folds, kind="svm", classes=2, most=1)
    signs = 2 * np.eye(2, dtype=int)[labels] - 1
    with pytest.warns(ConvergenceWarning, match="the svm at C = 100"):
        fit_multilabel_svm(features, signs, 100.0, most=1)


def test_nan_of_single_precision_is_not_taken(monkeypatch):
    features, labels = clouds()
    monkeypatch.setattr(linear_fit, "_SMALL", 0)
    plain = linear_fit.penalty_path

    def broken(*given, **named):
        path = plain(*given, **named)
        return path._replace(coefficients=path.coefficients * np.nan, excess=path.excess * np.nan)

    monkeypatch.setattr(linear_fit, "penalty_path", broken)
    assert float(fit_svm(features, labels, 1.0, classes=4).excess) <= 1e-5
    part = np.arange(60)
    choice = cross_validate(features, labels, [1.0], [(part, part)], kind="svm", classes=4)
    assert choice.excess <= 1e-4


def test_weights_that_float32_cannot_hold_are_told_of():
    """1,000,000 beside a deviation of 1: the sum of weight times mean and bias has few digits."""
    features, labels = cancer()
    with pytest.warns(ConvergenceWarning, match="rounded to float32, are .* subtract the mean"):
        probe = fit_softmax(features + 1e6, labels, 100.0, classes=2)
    reached = softmax_objective(probe.weights, probe.bias, features + 1e6, labels, 100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = fit_softmax(features, labels, 100.0, classes=2)
    lowest = softmax_objective(best.weights, best.bias, features, labels, 100.0)
    assert float(probe.excess) == pytest.approx(1 - lowest / reached, rel=1e-3)


def balanced():
    labels = np.repeat(np.arange(3), 20)
    noise = np.random.default_rng(0).normal(size=(60, 5))
    return (3 * np.eye(3, 5)[labels] + noise).astype(np.float32), labels


@pytest.mark.parametrize("C", [1e-12, 1e-9, 1e-6])
def test_however_small_C_is_the_classes_are_told_apart(C):
    """Zero weights are within a share of 1e-5 of the minimum and tell nothing."""
    features, labels = balanced()
    svm = LinearSVC(C=C, tol=1e-10, max_iter=100_000).fit(features, labels)
    probe = fit_svm(features, labels, C, classes=3)
    np.testing.assert_allclose(probe.weights.T, svm.coef_, rtol=1e-3, atol=1e-3 * C)
    np.testing.assert_array_equal(probe.predict(features), svm.predict(features))
    means = np.stack([features[labels == label].mean(axis=0) for label in range(3)])
    for softmax in (
        fit_softmax(features, labels, C, classes=3),
        fit_logistic(features, np.eye(3)[labels], [1 / C], kind="softmax")[0],
    ):
        # To first order in C: the sums of the features less a third of all.
        np.testing.assert_allclose(
            softmax.weights, 20 * C * (means - means.mean(axis=0)).T, rtol=1e-2, atol=C
        )
    halves = [(np.arange(0, 60, 2), np.arange(1, 60, 2))]
    assert cross_validate(features, labels, [C], halves, kind="svm", classes=3).scores.min() > 0.9
