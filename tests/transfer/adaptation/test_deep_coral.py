import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.deep_coral import covariance_distance, deep_coral_loss
from tests.transfer.adaptation.penalties import (
    SOURCE,
    SOURCE_LOGITS,
    TARGET,
    TARGET_LOGITS,
    Given,
    label_loss,
    parts,
)


def papers_distance(source, target):
    """Eqs. 1-3 as they stand there, with sums by hand."""

    def covariance(rows):
        ones = np.ones((1, len(rows)))
        sums = ones @ rows
        return (rows.T @ rows - sums.T @ sums / len(rows)) / (len(rows) - 1)

    d = source.shape[1]
    return np.linalg.norm(covariance(source) - covariance(target), "fro") ** 2 / (4 * d**2)


def test_the_papers_formula_for_domains_of_two_sizes():
    distance = covariance_distance(jnp.asarray(SOURCE), jnp.asarray(TARGET[:4]))
    np.testing.assert_allclose(distance, papers_distance(SOURCE, TARGET[:4]), rtol=1e-5)


def test_the_loss_is_the_label_loss_and_the_weighted_distance_of_the_logits():
    value, _, metrics = parts(deep_coral_loss(Given(), weight=0.5))
    expected = papers_distance(SOURCE_LOGITS, TARGET_LOGITS)
    np.testing.assert_allclose(metrics["covariance_distance"], expected, rtol=1e-5)
    np.testing.assert_allclose(value, label_loss() + 0.5 * expected, rtol=1e-5)


def test_the_distance_grows_with_the_fourth_power_of_the_logits():
    # Logits are the parameter times numbers, so its slope at 1 is 4 times the value.
    gradients = [parts(deep_coral_loss(Given(), weight=weight))[1] for weight in (0.0, 1.0)]
    expected = 4 * papers_distance(SOURCE_LOGITS, TARGET_LOGITS)
    np.testing.assert_allclose(gradients[1] - gradients[0], expected, rtol=1e-4)


def test_what_has_no_covariance():
    with pytest.raises(ValueError, match="a batch of 1 a domain has no covariance"):
        covariance_distance(jnp.ones((1, 3)), jnp.ones((4, 3)))
    with pytest.raises(ValueError, match="weight is -1"):
        deep_coral_loss(Given(), weight=-1)
