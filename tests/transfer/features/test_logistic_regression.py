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
