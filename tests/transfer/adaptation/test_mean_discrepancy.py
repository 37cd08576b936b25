import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from jtransfer.transfer.adaptation.dan import dan_loss
from jtransfer.transfer.adaptation.jan import jan_loss
from jtransfer.transfer.adaptation.mean_discrepancy import gaussian_kernels, kernel_discrepancy
from tests.transfer.adaptation.penalties import (
    SOURCE,
    SOURCE_LOGITS,
    TARGET,
    TARGET_LOGITS,
    Given,
    label_loss,
    parts,
    softmax,
)

BOTH = np.concatenate([SOURCE, TARGET]).astype(np.float64)


def several_kernels(rows, multiples=(0.125, 0.25, 0.5, 1, 2)):
    distances = np.square(rows[:, None] - rows[None]).sum(axis=2)
    return sum(rbf_kernel(rows, gamma=1 / (2 * u * distances.mean())) for u in multiples)


def unbiased(kernel, n):
    """Gretton et al. 2012, eq. 3, pair by pair."""
    m = len(kernel) - n
    s, t = range(n), range(n, n + m)
    same = sum(kernel[i, j] for i in s for j in s if i != j) / (n * (n - 1))
    other = sum(kernel[i, j] for i in t for j in t if i != j) / (m * (m - 1))
    return same + other - 2 * sum(kernel[i, j] for i in s for j in t) / (n * m)


def test_several_kernels_of_scikit_learn():
    np.testing.assert_allclose(
        gaussian_kernels(jnp.asarray(BOTH)), several_kernels(BOTH), rtol=1e-4
    )


@pytest.mark.parametrize("n", [6, 4])
def test_the_discrepancy_pair_by_pair(n):
    kernel = several_kernels(BOTH)
    found = kernel_discrepancy(jnp.asarray(kernel, jnp.float32), n)
    np.testing.assert_allclose(found, unbiased(kernel, n), rtol=1e-4)


def test_between_samples_of_one_domain_it_is_0_on_average():
    random = np.random.default_rng(0)
    rows = random.normal(size=(50, 20, 3))
    values = [unbiased(several_kernels(each), 10) for each in rows]
    found = [kernel_discrepancy(gaussian_kernels(jnp.asarray(each)), 10) for each in rows[:5]]
    np.testing.assert_allclose(found, values[:5], atol=1e-4)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(50)


def test_rows_that_are_all_alike_have_no_discrepancy():
    kernel = gaussian_kernels(jnp.ones((8, 3)))
    assert np.isfinite(kernel).all()
    np.testing.assert_allclose(kernel_discrepancy(kernel, 4), 0, atol=1e-5)


def test_dan_is_the_label_loss_and_the_weighted_discrepancy():
    value, _, metrics = parts(dan_loss(Given(), weight=lambda progress: 0.5 * progress))
    expected = unbiased(several_kernels(BOTH), 6)
    np.testing.assert_allclose(metrics["mean_discrepancy"], expected, rtol=1e-4)
    np.testing.assert_allclose(value, label_loss() + 0.5 * expected, rtol=1e-4)


def test_jan_multiplies_the_kernels_of_its_layers():
    value, _, metrics = parts(jan_loss(Given(), weight=2.0))
    probabilities = softmax(np.concatenate([SOURCE_LOGITS, TARGET_LOGITS]))
    of_classes = rbf_kernel(probabilities, gamma=1 / (2 * 0.92**2))
    expected = unbiased(several_kernels(BOTH) * of_classes, 6)
    np.testing.assert_allclose(metrics["joint_discrepancy"], expected, rtol=1e-4)
    np.testing.assert_allclose(value, label_loss() + 2 * expected, rtol=1e-4)


def test_one_example_of_a_domain_is_too_few():
    with pytest.raises(ValueError, match="1 source and 3 target examples in a batch"):
        kernel_discrepancy(jnp.ones((4, 4)), 1)
