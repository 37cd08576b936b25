import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.zero_shot.attributes import (
    above_mean,
    agreement,
    fit_direct,
    fit_indirect,
    log_odds,
    similarity,
)
from tests.transfer.animals import SEEN, UNSEEN, draw


def test_log_odds_by_hand():
    """p(a | x) = .8, .3 and prior .5, .6: of class (1, 0) it is .8/.5 times .7/.4."""
    probabilities, prior = jnp.array([[0.8, 0.3]]), jnp.array([0.5, 0.6])
    classes = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    scores = log_odds(probabilities, classes, prior, jnp.ones(2))
    expected = np.log([[0.8 / 0.5 * 0.7 / 0.4, 0.2 / 0.5 * 0.3 / 0.6]])
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    # Without the second attribute.
    scores = log_odds(probabilities, classes, prior, jnp.array([1.0, 0.0]))
    np.testing.assert_allclose(scores, np.log([[1.6, 0.4]]), rtol=1e-5)


def test_look_up_by_hand():
    scores = similarity(
        jnp.array([[0.9, 0.2]]), jnp.array([[1.0, 0.0], [0.0, 1.0]]), jnp.array([1.0, 1.0])
    )
    np.testing.assert_allclose(scores, [[-0.05, -1.45]], rtol=1e-5)


def test_close_classes_are_told_apart_by_distance():
    """Both are about 1e-3 away, the first a little less, of points at squared length 2000."""
    away = np.full((1, 2000), 1e-3 / np.sqrt(2000))
    classes = jnp.asarray(np.concatenate([1 - away, 1 - 1.1 * away]), jnp.float32)
    scores = similarity(jnp.ones((1, 2000)), classes, jnp.ones(2000))
    exact = -((1 - np.asarray(classes, np.float64)) ** 2).sum(axis=1)
    np.testing.assert_allclose(scores[0], exact, rtol=1e-5)


def test_directions_by_hand():
    """From the mean (.5, .5), (.6, .5) lies where (1, .5) does, (.5, 0) at a right angle."""
    scores = agreement(
        jnp.array([[0.6, 0.5]]),
        jnp.array([[1.0, 0.5], [0.5, 0.0]]),
        jnp.array([0.5, 0.5]),
        jnp.ones(2),
    )
    np.testing.assert_allclose(scores, [[1, 0]], atol=1e-6)


def test_the_direction_of_the_mean_itself_has_a_gradient():
    def total(probabilities):
        return agreement(probabilities, jnp.eye(2), jnp.array([0.5, 0.5]), jnp.ones(2)).sum()

    assert np.isfinite(jax.grad(total)(jnp.array([[0.5, 0.5]]))).all()


@pytest.mark.parametrize("rule", ["product", "distance", "direction"])
@pytest.mark.parametrize("fit", [fit_direct, fit_indirect])
def test_unseen_combinations_are_recognised(fit, rule):
    features, labels = draw(SEEN)
    (predictor,) = fit(features, labels, SEEN, [0.1])
    unseen, wanted = draw(UNSEEN, seed=1)
    guesses = predictor.decision(unseen, UNSEEN, rule=rule).argmax(axis=1)
    assert (np.asarray(guesses) == wanted).mean() > (0.95 if fit is fit_direct else 0.7)


def test_indirect_probabilities_are_mixtures_of_the_seen_classes():
    features, labels = draw(SEEN)
    (predictor,) = fit_indirect(features, labels, SEEN, [1.0])
    logits = np.asarray(predictor.probe.decision(features), np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predictor.probabilities(features), shares @ SEEN, atol=1e-5)


@pytest.mark.parametrize("fit", [fit_direct, fit_indirect])
@pytest.mark.parametrize("rule", ["product", "distance", "direction"])
def test_an_attribute_constant_over_the_seen_classes_is_left_out(fit, rule):
    """No image could teach it, so unseen classes that have it are judged by the others."""
    features, labels = draw(SEEN)
    with_constant = np.c_[SEEN, np.ones(len(SEEN))]
    (plain,), (extended,) = (fit(features, labels, each, [0.1]) for each in (SEEN, with_constant))
    assert extended.counts.tolist() == [1, 1, 1, 0]
    candidates = np.c_[UNSEEN, [0, 1]]
    np.testing.assert_allclose(
        extended.decision(features, candidates, rule=rule),
        plain.decision(features, UNSEEN, rule=rule),
        atol=0.02,
    )


def test_above_mean_by_hand():
    seen = np.array([[1.0, -2.0], [3.0, 0.0]])
    np.testing.assert_array_equal(above_mean(np.array([[2.5, -3.0]]), seen), [[1, 0]])


def test_what_cannot_be_used():
    features, labels = draw(SEEN, each=2)
    with pytest.raises(ValueError, match="attributes from 0 to 3; expected probabilities"):
        fit_direct(features, labels, 3 * SEEN, [1.0])
    with pytest.raises(ValueError, match="attribute 1 of class 2 is nan"):
        fit_direct(features, labels, _missing(), [1.0])
    with pytest.raises(ValueError, match="all 3 attributes are constant"):
        fit_indirect(features, labels, np.ones((4, 3)), [1.0])


def _missing():
    table = SEEN.copy()
    table[2, 1] = np.nan
    return table


def test_a_seen_class_without_an_image_teaches_nothing():
    """An attribute that differs by that class alone is left out, as one that is constant."""
    features, labels = draw(SEEN)
    table = np.c_[np.vstack([SEEN, SEEN[:1]]), [*np.zeros(len(SEEN)), 1]]
    (predictor,) = fit_direct(features, labels, table, [0.1])
    assert predictor.counts.tolist() == [1, 1, 1, 0]
    with pytest.raises(ValueError, match=r"label 0 is 0\.5; expected the number of a class"):
        fit_direct(features, labels + 0.5, table, [0.1])
