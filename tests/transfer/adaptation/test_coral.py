import numpy as np
import pytest
from scipy.linalg import sqrtm

from jtransfer.transfer.adaptation.coral import fit_coral
from tests.transfer.two_domains import ellipse

SOURCE = ellipse(200, [3, 2, 1, 0.5]) + 5
TARGET = ellipse(150, [0.5, 1, 2, 3], seed=1) - 7


def test_algorithm_1_with_scipys_square_roots():
    fitted = fit_coral(SOURCE, TARGET, regularisation=0.5)
    of_source, of_target = (np.cov(x.T) + 0.5 * np.eye(4) for x in (SOURCE, TARGET))
    matrix = np.linalg.inv(sqrtm(of_source)) @ sqrtm(of_target)
    expected = (SOURCE - SOURCE.mean(axis=0)) @ matrix + TARGET.mean(axis=0)
    np.testing.assert_allclose(fitted.source(SOURCE), expected, atol=1e-3)
    np.testing.assert_array_equal(fitted.target(TARGET), TARGET)


def test_covariance_and_mean_become_the_targets():
    moved = np.asarray(fit_coral(SOURCE, TARGET, regularisation=1e-5).source(SOURCE))
    np.testing.assert_allclose(np.cov(moved.T), np.cov(TARGET.T), atol=0.01)
    np.testing.assert_allclose(moved.mean(axis=0), TARGET.mean(axis=0), atol=1e-3)


def test_a_domain_is_aligned_with_itself():
    np.testing.assert_allclose(fit_coral(SOURCE, SOURCE).source(SOURCE), SOURCE, atol=1e-4)


def test_fewer_examples_than_features():
    source, target = np.eye(3, 8, dtype=np.float32), 2 * np.eye(4, 8, dtype=np.float32)
    assert np.isfinite(fit_coral(source, target).source(source)).all()


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_without_regularisation_nothing_is_whitened(value):
    with pytest.raises(ValueError, match="expected a positive number"):
        fit_coral(SOURCE, TARGET, regularisation=value)
