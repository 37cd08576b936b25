from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestCentroid

from jtransfer.transfer.features.few_shot import (
    draw_episodes,
    episode_accuracies,
    fit_cosine,
    fit_nearest_mean,
    fit_ridge_rule,
    interval,
)

FITS = [fit_nearest_mean, fit_cosine, fit_ridge_rule]


def clouds(classes=8, each=12, dims=6, apart=2.0, seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    means = apart * random.normal(size=(classes, dims))
    return (means[labels] + random.normal(size=(len(labels), dims))).astype(np.float32), labels


def test_rules_by_hand():
    """Means (2, 0) and (0, 1): the point (1, 1.2) is nearer to the second, whose cosine is larger.

    (1.4, 1.2) is at squared distances 1.8 and 2.0, and its cosines are as 1.4 to 1.2.
    """
    support = np.array([[[1.0, 0], [3, 0]], [[0, 1], [0, 1]]], np.float32)
    points = np.array([[1.0, 1.2], [1.4, 1.2], [0.3, 0.2]], np.float32)
    # (.3, .2): 2.93 from the first mean, .73 from the second; but its cosine is the first's.
    assert fit_nearest_mean(support).predict(points).tolist() == [1, 0, 1]
    assert fit_cosine(support).predict(points).tolist() == [1, 0, 0]


def test_rules_are_scikit_learns():
    features, _ = clouds(classes=4)
    support = features.reshape(4, 12, -1)[:, :5]
    flat, own = support.reshape(20, -1), np.repeat(np.arange(4), 5)
    nearest = NearestCentroid().fit(flat, own)
    np.testing.assert_array_equal(
        fit_nearest_mean(support).predict(features), nearest.predict(features)
    )
    ridge = Ridge(0.7, fit_intercept=False).fit(flat, np.eye(4)[own])
    rule = fit_ridge_rule(support, penalty=0.7)
    np.testing.assert_allclose(rule.weights, ridge.coef_.T, atol=1e-5)


def test_what_all_features_have_in_common_does_not_move_the_nearest_mean():
    """Squared lengths of 6e8, of which float32 keeps 64: the distances are about 1."""
    random = np.random.default_rng(0)
    means = 1e4 + 0.5 * random.normal(size=(5, 6))
    features = (means[np.arange(200) % 5] + 0.3 * random.normal(size=(200, 6))).astype(np.float32)
    support = features[:25].reshape(5, 5, 6).swapaxes(0, 1)
    centres = support.astype(np.float64).mean(axis=1)
    distances = ((features[:, None].astype(np.float64) - centres) ** 2).sum(axis=2)
    guesses = fit_nearest_mean(support).predict(features)
    np.testing.assert_array_equal(guesses, distances.argmin(axis=1))


@pytest.mark.parametrize("dims", [5, 40])
@pytest.mark.parametrize(("length", "penalty"), [(100, 1e-4), (1e4, 1.0)])
def test_ridge_of_repeated_images_with_a_small_penalty(dims, length, penalty):
    random = np.random.default_rng(0)
    support = random.normal(size=(4, 5, dims)).astype(np.float32)
    support *= length / np.linalg.norm(support, axis=2, keepdims=True)
    support[:, 1] = support[:, 0]
    flat = support.reshape(20, dims).astype(np.float64)
    left, lengths, right = np.linalg.svd(flat, full_matrices=False)
    solved = left.T @ np.repeat(np.eye(4), 5, axis=0) * (lengths / (lengths**2 + penalty))[:, None]
    rule = fit_ridge_rule(support, penalty=penalty)
    np.testing.assert_allclose(flat @ np.asarray(rule.weights), flat @ right.T @ solved, atol=1e-3)


@pytest.mark.parametrize("fit", FITS)
def test_half_precision_features_are_computed_with_in_float32(fit):
    features, labels = clouds(classes=3, dims=300)
    features = (20 * features).astype(np.float16)
    support = features.reshape(3, 12, -1)[:, :5]
    # Squared lengths are above float16's largest number, 65504.
    assert ((support.astype(float).mean(axis=1) ** 2).sum(axis=1) > 65504).all()
    guesses, whole = (
        fit(jnp.asarray(each)).predict(jnp.asarray(features, jnp.float32))
        for each in (support, support.astype(np.float32))
    )
    np.testing.assert_array_equal(guesses, whole)
    assert (np.asarray(guesses) == labels).all()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_support_that_is_not_finite(fit, value):
    support = np.ones((3, 2, 4), np.float32)
    rule = fit(support)
    with pytest.raises(ValueError, match="row 1 of the features holds NaN or infinity"):
        rule.predict(np.array([[1.0] * 4, [value] * 4]))
    support[2, 1, 0] = value
    with pytest.raises(ValueError, match=r"row 5 of the support, way by way, holds NaN or inf"):
        fit(support)
    with pytest.raises(ValueError, match=r"support \(3, 2\); expected \[ways, shots, dims\]"):
        fit(support[..., 0])


def test_episodes_have_different_classes_and_images():
    _, labels = clouds()
    labels = labels[:-4]  # one class smaller than the others
    drawn = np.asarray(draw_episodes(labels, ways=5, shots=2, queries=3, episodes=50, seed=1))
    assert drawn.shape == (50, 5, 5)
    assert set(drawn.ravel()) == set(range(len(labels)))
    for episode in drawn:
        rows = labels[episode]
        assert (rows == rows[:, :1]).all()
        assert len(set(rows[:, 0])) == 5
        assert len(set(episode.ravel())) == 25
    again = draw_episodes(labels, ways=5, shots=2, queries=3, episodes=50, seed=1)
    np.testing.assert_array_equal(drawn, again)
    assert (drawn != draw_episodes(labels, ways=5, shots=2, queries=3, episodes=50, seed=2)).any()


@pytest.mark.parametrize("fit", FITS)
def test_all_episodes_at_once_are_one_after_the_other(fit):
    features, labels = clouds()
    # More than are solved side by side, and no multiple of it.
    drawn = draw_episodes(labels, ways=3, shots=2, queries=4, episodes=37, seed=0)
    together = episode_accuracies(features, drawn, shots=2, fit=fit)
    assert together.shape == (37,)
    for episode, accuracy in zip(np.asarray(drawn[:5]), together[:5], strict=True):
        images = features[episode]
        guesses = fit(images[:, :2]).predict(images[:, 2:].reshape(12, -1))
        assert accuracy == pytest.approx((guesses == np.repeat(np.arange(3), 4)).mean())
    assert together.mean() > 0.7


def test_chance_where_there_is_nothing_to_learn():
    noise = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    drawn = draw_episodes(np.arange(200) % 10, ways=5, shots=1, queries=10, episodes=300, seed=0)
    mean, half = interval(episode_accuracies(noise, drawn, shots=1, fit=fit_nearest_mean))
    assert abs(mean - 0.2) < 2 * half < 0.04


def test_interval_by_hand():
    """The deviation of 0, 1, 0, 1 is sqrt(1/3), its error of the mean sqrt(1/12)."""
    mean, half = interval(np.array([0.0, 1.0, 0.0, 1.0]))
    assert mean == 0.5
    assert half == pytest.approx(1.96 * np.sqrt(1 / 12))


def test_what_cannot_be_drawn_or_used():
    features, labels = clouds()
    draw = partial(draw_episodes, labels, ways=5, shots=2, queries=3, episodes=4, seed=0)
    with pytest.raises(ValueError, match="8 classes for 9 ways"):
        draw(ways=9)
    with pytest.raises(ValueError, match="class 0 has 12 images for 10 shots and 3 queries"):
        draw(shots=10)
    with pytest.raises(ValueError, match="at least 1 of each"):
        draw(shots=0)
    features[3, 0] = np.nan
    with pytest.raises(ValueError, match="row 3 of the features holds NaN"):
        episode_accuracies(features, draw(), shots=2, fit=fit_cosine)
    with pytest.raises(ValueError, match="1 episodes; expected at least 2"):
        interval(np.ones(1))


def test_labels_that_are_no_class_numbers():
    with pytest.raises(ValueError, match=r"label 1 is 0\.5; expected the number of a class"):
        draw_episodes(np.array([0, 0.5]), ways=1, shots=1, queries=1, episodes=1, seed=0)


def test_episodes_of_other_features_are_refused():
    """Positions beyond the last row would be taken for the last row."""
    features, labels = clouds()
    drawn = draw_episodes(labels, ways=3, shots=2, queries=4, episodes=5, seed=0)
    solve = partial(episode_accuracies, shots=2, fit=fit_cosine)
    with pytest.raises(ValueError, match=r"positions from \d+ to \d+ in 20 rows of features"):
        solve(features[:20], drawn)
    with pytest.raises(ValueError, match=r"positions from -1 to \d+ in 96 rows"):
        solve(features, drawn.at[0, 0, 0].set(-1))
    with pytest.raises(ValueError, match=r"episodes \(5, 3\) of int32; expected \[episodes"):
        solve(features, drawn[:, :, 0])
    with pytest.raises(ValueError, match="6 shots of 6 images a class; expected at least 1 shot"):
        solve(features, drawn, shots=6)


def test_a_support_of_zeros_or_in_lists():
    """Where nothing is shown all scores are 0, and a list is what an array of it is."""
    nothing = fit_ridge_rule(np.zeros((2, 1, 3)), penalty=0.0)
    np.testing.assert_array_equal(nothing.weights, np.zeros((3, 2)))
    listed = fit_nearest_mean([[[1.0, 0.0]], [[0.0, 1.0]]])
    np.testing.assert_array_equal(listed.predict(jnp.array([[2.0, 1.0], [0.0, 3.0]])), [0, 1])
