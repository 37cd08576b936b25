from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.zero_shot.attribute_groups import (
    group_cross_entropy,
    group_log_odds,
    group_probabilities,
)
from jtransfer.transfer.zero_shot.attributes import log_odds

SIZES = (2, 3)
# Softmaxes of 1/4, 3/4 and of 1/2, 1/4, 1/4.
LOGITS = jnp.log(jnp.array([[1.0, 3.0, 2.0, 1.0, 1.0]]))


def test_probabilities_by_hand():
    probabilities = group_probabilities(LOGITS, sizes=SIZES)
    np.testing.assert_allclose(probabilities, [[0.25, 0.75, 0.5, 0.25, 0.25]], rtol=1e-6)


def test_cross_entropy_by_hand():
    """Attribute 1 of the first group is told, attribute 2 of the second is not."""
    metrics = group_cross_entropy(LOGITS, jnp.array([[1, 2]]), sizes=SIZES)
    loss, count = metrics["label_loss"]
    assert float(loss) == pytest.approx(-np.log(0.75) - np.log(0.25), rel=1e-6)
    assert float(count) == 1
    right, count = metrics["label_accuracy"]
    assert (float(right), float(count)) == (1, 2)


def test_log_odds_by_hand():
    """.75 / .5 times .5 / .25 of the class with attributes 1 and 0, and so on."""
    prior = jnp.array([0.5, 0.5, 0.25, 0.5, 0.25])
    classes = jnp.array([[0.0, 1, 1, 0, 0], [1, 0, 0, 1, 0]])
    scores = group_log_odds(group_probabilities(LOGITS, sizes=SIZES), classes, prior)
    np.testing.assert_allclose(scores, np.log([[1.5 * 2, 0.5 * 0.5]]), rtol=1e-5)


def test_groups_of_two_are_the_papers_binary_attributes():
    random = np.random.default_rng(0)
    there, prior = random.uniform(0.1, 0.9, (5, 4)), random.uniform(0.2, 0.8, 4)
    classes = random.integers(0, 2, (6, 4)).astype(np.float32)

    def both(values):
        return jnp.asarray(np.stack([values, 1 - values], -1).reshape(*values.shape[:-1], -1))

    ours = group_log_odds(both(there), both(classes), both(prior))
    theirs = log_odds(jnp.asarray(there), jnp.asarray(classes), jnp.asarray(prior), jnp.ones(4))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_an_attribute_that_no_seen_class_has_is_finite():
    scores = group_log_odds(jnp.array([[0.0, 1.0]]), jnp.eye(2), jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(scores, 0, atol=1e-6)


def test_what_does_not_fit():
    criterion = partial(group_cross_entropy, sizes=SIZES)
    with pytest.raises(ValueError, match=r"places \(1, 3\) for groups of \[2, 3\] attributes"):
        criterion(LOGITS, jnp.zeros((1, 3), int))
    with pytest.raises(ValueError, match=r"logits \(1, 4\) for groups of \[2, 3\] attributes"):
        criterion(LOGITS[:, :4], jnp.zeros((1, 2), int))
