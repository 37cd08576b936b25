import numpy as np
import pytest
from scipy.optimize import minimize

from jtransfer.transfer.features.conditioning import Design
from jtransfer.transfer.features.newton import minimise, objective


def drawn(n=40, dims=5, outputs=3):
    random = np.random.default_rng(0)
    values = np.hstack([random.normal(size=(n, dims)), np.ones((n, 1))])
    labels = (values[:, :outputs] + 0.5 * random.normal(size=(n, outputs))).argmax(axis=1)
    return values, np.eye(outputs)[labels]


def ridges(loss, dims=5):
    return np.append(np.ones(dims), 1.0 if loss == "svm" else 0.0)


def solve(values, targets, C, loss, **settings):
    design = Design(values, ridges(loss, values.shape[1] - 1))
    start = np.zeros((values.shape[1], targets.shape[1]))
    judged = np.ones((len(values), 1))
    settings = {"tolerance": 1e-9, "most": 500, **settings}
    return design, minimise(design, targets, judged, C, loss=loss, start=start, **settings)


@pytest.mark.parametrize("C", [0.01, 1.0, 1000.0])
@pytest.mark.parametrize("loss", ["svm", "each", "softmax"])
def test_it_ends_where_scipy_does(loss, C):
    values, targets = drawn()
    design, found = solve(values, targets, C, loss)
    assert (found.excess <= 1e-9).all()
    judged = np.ones((len(values), 1))

    def plain(weights):
        weights = weights.reshape(found.weights.shape)
        value = objective(design, targets, judged, C, loss=loss, weights=weights)
        return value[0] if loss == "softmax" else value.sum()

    theirs = minimize(plain, np.zeros(found.weights.size), method="BFGS")
    ours = found.value[0] if loss == "softmax" else found.value.sum()
    assert ours <= theirs.fun * (1 + 1e-12)
    assert ours == pytest.approx(theirs.fun, rel=1e-5)


def test_the_objective_by_hand():
    """Score 1 and -1 on one example, penalty (1 + 1) / 2, of C = 2."""
    design, weights = Design(np.array([[1.0, 1.0]]), np.ones(2)), np.array([[1.0, -1.0], [0, 0]])

    def value(loss, targets):
        return objective(design, targets, np.ones((1, 1)), 2.0, loss=loss, weights=weights)

    hinge = value("svm", np.array([[1.0, 1.0]]))  # 1/2 each, and 2 (1 + 1)^2 of the second
    np.testing.assert_allclose(hinge, [0.5, 8.5])
    each = value("each", np.array([[1.0, 0.25]]))
    softplus = np.log1p(np.exp(-1.0))  # of -s; that of s is 1 more
    np.testing.assert_allclose(each, [0.5 + 2 * softplus, 0.5 + 2 * (softplus + 0.25)])
    joint = value("softmax", np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(joint, [1 + 2 * np.log1p(np.exp(-2.0))] * 2)


@pytest.mark.parametrize("loss", ["svm", "each", "softmax"])
def test_one_inverse_for_all_outputs_ends_there_too(loss, monkeypatch):
    values, targets = drawn()
    _, found = solve(values, targets, 10.0, loss)
    monkeypatch.setattr("jtransfer.transfer.features.newton._EXACT", 0)
    _, shared = solve(values, targets, 10.0, loss)
    np.testing.assert_allclose(shared.value, found.value, rtol=1e-9)
    assert shared.products > found.products


@pytest.mark.parametrize("loss", ["svm", "each", "softmax"])
def test_fewer_examples_than_features(loss):
    """By the examples' span: a feature appended that is 0 everywhere changes nothing."""
    random = np.random.default_rng(0)
    values = np.hstack([random.normal(size=(12, 30)), np.ones((12, 1))])
    targets = np.eye(3)[np.arange(12) % 3]
    _, found = solve(values, targets, 1.0, loss)
    _, wide = solve(np.insert(values, 0, 0, axis=1), targets, 1.0, loss)
    np.testing.assert_allclose(wide.value, found.value, rtol=1e-8)
    np.testing.assert_allclose(wide.weights[1:], found.weights, atol=1e-6)
    assert (found.excess <= 1e-9).all()


def test_the_bound_holds_wherever_it_stops():
    values, targets = drawn()
    for loss in ("svm", "each", "softmax"):
        _, best = solve(values, targets, 100.0, loss, tolerance=1e-12)
        for most in range(8):
            _, found = solve(values, targets, 100.0, loss, most=most)
            assert (found.value * (1 - found.excess) <= best.value * (1 + 1e-9)).all()
            assert found.products <= most


def test_nan_is_never_there():
    values, targets = drawn()
    values[3, 2] = np.nan
    with np.errstate(invalid="ignore"):
        _, found = solve(values, targets, 1.0, "each", most=0)
    assert not (found.excess <= 1).any()
