import numpy as np
import pytest

from jtransfer.measure.calibration import (
    fit_temperature,
    log_loss,
    probabilities_of,
    reliability,
    threshold_for,
)


def drawn(temperature: float, n: int = 20000) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose classes are drawn from the softmax at a temperature."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(n, 4)) * 3
    noise = rng.gumbel(size=scores.shape)
    return scores, (scores / temperature + noise).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 7.0])
def test_the_temperature_that_classes_were_drawn_at_is_found(temperature):
    scores, labels = drawn(1.0)
    found = fit_temperature(scores * temperature, labels)
    assert found == pytest.approx(temperature, rel=0.03)


def test_it_is_where_the_log_loss_is_lowest():
    scores, labels = drawn(2.0, 200)
    best = fit_temperature(scores, labels)
    around = [log_loss(scores, labels, best * by) for by in (0.99, 1, 1.01)]
    assert around[1] == min(around)


def test_where_all_are_right_it_is_above_nothing_and_says_the_rule_of_succession():
    labels = np.arange(20) % 2
    scores = 1.0 * (np.arange(2)[None] == labels[:, None])
    sure = probabilities_of(scores, fit_temperature(scores, labels)).max(axis=1)
    np.testing.assert_allclose(sure, 21 / 22, atol=1e-4)  # (n + 1) / (n + 2)


def test_log_loss_by_hand():
    # Targets (2 + 1) / (2 + 2) and 1/4; logs of shares 3/4 and 1/4 for the first, 1/2 twice.
    scores = np.array([[np.log(3), 0.0], [0.0, 0.0]])
    first = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert log_loss(scores, np.array([0, 1])) == pytest.approx((first + np.log(2)) / 2)


def test_the_wrong_share_is_that_of_all_other_classes_together():
    labels = np.arange(30) % 10
    scores = 1.0 * (np.arange(10)[None] == labels[:, None])
    sure = probabilities_of(scores, fit_temperature(scores, labels)).max(axis=1)
    np.testing.assert_allclose(sure, 31 / 32, atol=1e-4)


def test_reliability_by_hand():
    shares = np.array([[0.9, 0.1], [0.7, 0.3], [0.25, 0.75], [0.45, 0.55]])
    found = reliability(shares, np.array([0, 1, 1, 1]), bins=4)
    np.testing.assert_allclose(found.confidence, [(0.7 + 0.75 + 0.55) / 3, 0.9])
    np.testing.assert_allclose(found.accuracy, [2 / 3, 1])
    assert found.count.tolist() == [3, 1]
    assert found.error == pytest.approx(0.0 * 3 / 4 + 0.1 * 1 / 4)


@pytest.mark.parametrize(
    ("right", "precision", "expected"),
    [
        ([1, 1, 1, 1], 0.99, 0.0),  # all of them have it
        ([1, 1, 0, 0], 0.9, 0.75),  # between .8 and .7
        ([1, 1, 0, 1], 0.75, 0.0),
        ([0, 0, 0, 0], 0.5, 2.0),  # none has
        ([0, 1, 1, 0], 0.6, 0.65),  # two of the three surest are right
    ],
)
def test_threshold_by_hand(right, precision, expected):
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    shares = np.stack([confidence, 1 - confidence], axis=1)
    labels = 1 - np.array(right)  # the guess is class 0
    order = np.array([2, 0, 3, 1])
    assert threshold_for(shares[order], labels[order], precision) == pytest.approx(expected)


def test_equal_confidences_are_sure_or_not_together():
    shares = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    # After the first of the two equals two of two would be right.
    assert threshold_for(shares, np.array([0, 0, 1, 1]), 0.9) == pytest.approx(0.85)


def test_what_is_no_score_is_refused():
    with pytest.raises(ValueError, match=r"expected \[n, classes\]"):
        fit_temperature(np.zeros(3), np.zeros(3, int))
    with pytest.raises(ValueError, match="finite"):
        fit_temperature(np.full((2, 2), np.nan), np.zeros(2, int))
    with pytest.raises(ValueError, match="expected 0 to 1"):
        reliability(np.full((2, 2), 0.5), np.array([0, 2]))
    with pytest.raises(ValueError, match="a precision of 0"):
        threshold_for(np.full((2, 2), 0.5), np.array([0, 1]), 0)
