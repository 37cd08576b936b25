import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.self_training import (
    growing_share,
    self_training_loss,
    taken_guesses,
    with_thresholds,
)
from tests.transfer.adaptation.penalties import (
    TARGET_LOGITS,
    Given,
    batch,
    label_loss,
    softmax,
)


def test_guesses_above_the_threshold_of_their_class_by_hand():
    # Log odds 2, 1, 3 of the first class, 4 of the second; none of the third. Their mean is 2.5.
    logits = jnp.array([[2.0, 0, -99], [1, 0, -99], [3, 0, -99], [0, 4, -99]])
    thresholds = jnp.array([0.6, 2.0, 0.7])
    taken, moved = taken_guesses(thresholds, logits, 0.5, rate=0.3)
    assert taken.tolist() == [True, False, True, False]
    # Two thirds of the first class were taken and none of the second, where half should be.
    np.testing.assert_allclose(moved, [0.6 + 0.3 / 6, 2 - 0.15, 0.7], rtol=1e-5)


@pytest.mark.parametrize(("unit", "growth"), [(1.0, 1.0), (50.0, 1.0), (1.0, 1.02)])
def test_the_share_is_taken_however_sure_the_net_is_or_becomes(unit, growth):
    """Of classes that are sure in general, and of one that never is."""
    random = np.random.default_rng(0)
    centres = np.array([[6.0, 0, 0], [0, 1.5, 0], [0, 0, 3.0]])

    @jax.jit
    def move(thresholds, logits):
        return taken_guesses(thresholds, logits, 0.3, rate=0.2)

    thresholds, counts = jnp.zeros(3), np.zeros((2, 3))
    for step in range(300):
        logits = centres[np.arange(60) % 3] + 0.5 * random.normal(size=(60, 3))
        logits *= unit * growth**step
        taken, thresholds = move(thresholds, jnp.asarray(logits, jnp.float32))
        if step >= 100:
            guesses = logits.argmax(axis=1)
            counts += [np.bincount(guesses, weights=each, minlength=3) for each in (taken, None)]
    np.testing.assert_allclose(counts[0] / counts[1], 0.3, atol=0.03)
    assert thresholds[0] > thresholds[2] > thresholds[1]


def test_the_loss_is_that_of_the_labels_and_of_the_taken_guesses():
    stats = {"thresholds": {"log_odds": jnp.array([0.5, 0.5, -9.0])}}
    loss = self_training_loss(Given(), weight=0.5)
    value, (new_stats, metrics) = loss(
        jnp.ones(()), stats, batch(), jax.random.key(0), jnp.asarray(0.0)
    )
    shares = softmax(TARGET_LOGITS)
    guesses, sure = shares.argmax(axis=1), shares.max(axis=1)
    odds = np.log(sure / (1 - sure))
    taken = odds > np.abs(odds).mean() * np.array([0.5, 0.5, -9.0])[guesses]
    assert 0 < taken.sum() < 6
    assert metrics["taken"] == (taken.sum(), 6)
    expected = label_loss() - 0.5 * np.log(sure[taken]).sum() / 6
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert new_stats["thresholds"]["log_odds"].shape == (3,)


def test_the_share_grows_from_a_fifth_to_a_half():
    np.testing.assert_allclose([growing_share(p) for p in (0.0, 0.5, 1.0)], [0.2, 0.35, 0.5])


def test_what_it_starts_from_and_what_is_refused():
    begun = with_thresholds({"params": 1}, classes=4)
    assert begun["params"] == 1
    np.testing.assert_array_equal(begun["thresholds"]["log_odds"], np.zeros(4))
    with pytest.raises(ValueError, match="rate is 0 and weight 1"):
        self_training_loss(Given(), rate=0)
