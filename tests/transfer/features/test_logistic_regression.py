import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from jtransfer.transfer.features.logistic_regression import fit_logistic


def drawn(n=80, dims=6, outputs=3):
    random = np.random.default_rng(0)
    features = (random.normal(size=(n, dims)) * np.linspace(1, 6, dims) + 2).astype(np.float32)
    return features, features @ random.normal(size=(dims, outputs)) + random.normal(
        size=(n, outputs)
    )


# More features than examples as well.
@pytest.mark.parametrize("dims", [6, 100])
def test_each_is_scikit_learns(dims):
    features, scores = drawn(dims=dims)
    targets = (scores > 0).astype(np.float32)
    penalties = [1.0, 30.0]
    probes = fit_logistic(features, targets, penalties, kind="each", tolerance=1e-10, most=3000)
    for penalty, probe in zip(penalties, probes, strict=True):
        for output in range(3):
            model = LogisticRegression(C=1 / penalty, tol=1e-8, solver="newton-cholesky")
            model.fit(features.astype(np.float64), targets[:, output])
            np.testing.assert_allclose(probe.weights[:, output], model.coef_[0], atol=2e-3)
            np.testing.assert_allclose(probe.bias[output], model.intercept_[0], atol=5e-3)


def test_the_softmax_is_scikit_learns():
    features, scores = drawn()
    labels = scores.argmax(axis=1)
    (probe,) = fit_logistic(
        features, np.eye(3)[labels], [2.0], kind="softmax", tolerance=1e-10, most=3000
    )
    model = LogisticRegression(C=0.5, tol=1e-8, max_iter=5000).fit(features, labels)
    theirs = model.predict_log_proba(features)
    ours = np.asarray(probe.decision(features))
    ours = ours - np.log(np.exp(ours).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)


def test_shares_as_targets():
    """Without features only the bias is left: its logistic is the mean target."""
    (probe,) = fit_logistic(np.zeros((4, 1)), [[0.2], [0.4], [0.6], [0.0]], [1.0], kind="each")
    assert 1 / (1 + np.exp(-float(probe.bias[0]))) == pytest.approx(0.3, abs=1e-3)


def test_what_cannot_be_used():
    with pytest.raises(ValueError, match="targets from 0 to 2; expected probabilities"):
        fit_logistic(np.zeros((2, 1)), [[0], [2]], [1.0], kind="each")
    with pytest.raises(ValueError, match="expected positive finite numbers"):
        fit_logistic(np.zeros((2, 1)), [[0], [1]], [0.0], kind="each")
    with pytest.raises(ValueError, match=r"targets \(1, 1\) for 2 examples"):
        fit_logistic(np.zeros((2, 1)), [[0]], [1.0], kind="each")


def test_features_and_targets_that_have_no_answer():
    targets = np.array([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match="row 1 of the features holds NaN"):
        fit_logistic(np.array([[0.0], [np.nan]]), targets, [1.0], kind="each")
    with pytest.raises(ValueError, match="output 1 is 1 for all examples; expected both sides"):
        fit_logistic(np.zeros((2, 1)), [[0, 1], [1, 1]], [1.0], kind="each")
    with pytest.raises(ValueError, match=r"targets of example 1 sum to 0\.5; expected 1"):
        fit_logistic(np.zeros((2, 1)), [[0, 1], [0.25, 0.25]], [1.0], kind="softmax")
    with pytest.raises(ValueError, match=r"penalties are \[nan\]; expected positive"):
        fit_logistic(np.zeros((2, 1)), targets, [np.nan], kind="each")


def test_penalties_come_back_in_the_order_given():
    features, scores = drawn()
    targets = (scores > 0).astype(float)
    probes = fit_logistic(features, targets, [1.0, 100.0, 10.0], kind="each")
    sizes = [float((np.asarray(probe.weights) ** 2).sum()) for probe in probes]
    assert sizes[0] > sizes[2] > sizes[1]
