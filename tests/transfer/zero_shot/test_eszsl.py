import jax
import numpy as np
import pytest

from jtransfer.transfer.zero_shot.eszsl import decompose, fit_eszsl
from tests.transfer.animals import SEEN, UNSEEN, draw

EXPONENTS = range(-3, 4)


def textbook(features, labels, signatures, a, g, negative):
    """(X X^T + a I)^-1 X Y S^T (S S^T + g I)^-1 in float64, X [dims, n] and S [attributes, z]."""
    X, S = features.astype(np.float64).T, signatures.astype(np.float64).T
    Y = np.where(np.arange(S.shape[1]) == labels[:, None], 1.0, negative)
    left = np.linalg.solve(X @ X.T + a * np.eye(len(X)), X @ Y @ S.T)
    return np.linalg.solve(S @ S.T + g * np.eye(len(S)), left.T).T


@pytest.mark.parametrize("negative", [0.0, -1.0])
def test_the_whole_grid_is_the_textbook_formula(negative):
    features, labels = draw(SEEN)
    grid = decompose(features, labels, SEEN, negative=negative)
    penalties = [10.0**each for each in EXPONENTS]
    unseen, _ = draw(UNSEEN, each=5, seed=1)
    scores = grid.decisions(unseen, UNSEEN, penalties, penalties)
    assert scores.shape == (7, 7, 10, 2)
    weights = np.asarray(grid.weights(penalties, penalties))
    assert weights.shape == (7, 7, 6, 3)
    for i, a in enumerate(penalties):
        for j, g in enumerate(penalties):
            W = textbook(features, labels, SEEN, a, g, negative)
            ours = np.asarray(grid.solve(a, g).weights)
            assert np.abs(ours - W).max() <= 1e-4 * np.abs(W).max()
            assert np.abs(weights[i, j] - W).max() <= 1e-4 * np.abs(W).max()
            theirs = unseen @ W @ UNSEEN.T
            assert np.abs(scores[i, j] - theirs).max() <= 1e-4 * np.abs(theirs).max()


def test_one_solution_by_hand():
    """X = 1 and 2, S = 1 and 3: 1 * 1 * 1 + 2 * 1 * 3 = 7, over (5 + 1) (10 + 4)."""
    params = fit_eszsl(
        np.array([[1.0], [2.0]]), np.array([0, 1]), np.array([[1.0], [3.0]]), a=1.0, g=4.0
    )
    assert float(params.weights[0, 0]) == pytest.approx(7 / 84)


def test_unseen_combinations_are_recognised():
    features, labels = draw(SEEN)
    params = fit_eszsl(features, labels, SEEN, a=1.0, g=0.1)
    unseen, wanted = draw(UNSEEN, seed=1)
    assert (np.asarray(params.predict(unseen, UNSEEN)) == wanted).mean() > 0.9


def test_an_attribute_constant_over_the_seen_classes_does_no_harm():
    features, labels = draw(SEEN)
    params = fit_eszsl(features, labels, np.c_[SEEN, np.ones(4)], a=1.0, g=0.1)
    unseen, wanted = draw(UNSEEN, seed=1)
    guesses = params.predict(unseen, np.c_[UNSEEN, np.ones(2)])
    assert (np.asarray(guesses) == wanted).mean() > 0.9
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))


def test_an_attribute_that_no_seen_class_has_counts_for_nothing():
    features, labels = draw(SEEN)
    plain, extended = (
        fit_eszsl(features, labels, each, a=1.0, g=0.1) for each in (SEEN, np.c_[SEEN, np.zeros(4)])
    )
    np.testing.assert_allclose(
        extended.decision(features, np.c_[UNSEEN, [0, 1]]),
        plain.decision(features, UNSEEN),
        atol=1e-4,
    )


def test_what_cannot_be_used():
    features, labels = draw(SEEN, each=2)
    with pytest.raises(ValueError, match="expected positive finite numbers"):
        fit_eszsl(features, labels, SEEN, a=0.0, g=1.0)
    with pytest.raises(ValueError, match="expected positive finite numbers"):
        decompose(features, labels, SEEN).weights([1.0, -1.0], [1.0])
    with pytest.raises(ValueError, match="attribute 0 of class 0 is nan"):
        fit_eszsl(features, labels, SEEN * np.nan, a=1.0, g=1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_has_no_score(value):
    features, labels = draw(SEEN)
    grid = decompose(features, labels, SEEN)
    features[7, 2] = value
    with pytest.raises(ValueError, match="row 7 of the features holds NaN or infinity"):
        grid.decisions(features, SEEN, [1.0], [1.0])
    with pytest.raises(ValueError, match="row 0 of the signatures holds NaN or infinity"):
        grid.decisions(features[:7], np.full_like(SEEN, value), [1.0], [1.0])
    with pytest.raises(ValueError, match="row 7 of the features holds NaN or infinity"):
        decompose(features, labels, SEEN)
    with pytest.raises(ValueError, match="row 7 of the features holds NaN or infinity"):
        grid.solve(1.0, 1.0).predict(features, SEEN)


def test_labels_as_a_list_are_those_of_an_array():
    features, labels = np.eye(4, 3, dtype=np.float32) + 0.5, np.array([0, 1, 1, 0])
    signatures = np.array([[1.0, 0.0], [0.0, 1.0]])
    as_list, as_array = (
        fit_eszsl(features, given, signatures, a=1.0, g=1.0) for given in (labels.tolist(), labels)
    )
    np.testing.assert_array_equal(as_list.weights, as_array.weights)
