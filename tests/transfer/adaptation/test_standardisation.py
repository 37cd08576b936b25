import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from jtransfer.transfer.adaptation.standardisation import Scale, fit_standardisation
from tests.transfer.two_domains import ellipse

SOURCE, TARGET = ellipse(40, [3, 2, 1]) + 5, ellipse(30, [1, 4, 2], seed=1) - 7


def test_each_domain_by_its_own_means_and_deviations():
    fitted = fit_standardisation(SOURCE, TARGET)
    for ours, features in ((fitted.source, SOURCE), (fitted.target, TARGET)):
        expected = StandardScaler().fit_transform(features)
        np.testing.assert_allclose(ours(features), expected, atol=1e-5)


def test_alike_both_are_changed_as_the_source_is():
    fitted = fit_standardisation(SOURCE, TARGET, alike=True)
    expected = StandardScaler().fit(SOURCE).transform(TARGET)
    np.testing.assert_allclose(fitted.target(TARGET), expected, atol=1e-5)


def test_what_is_constant_becomes_0():
    constant = np.full((40, 1), 1e4 / 3, np.float32)
    features = np.concatenate([SOURCE, constant], axis=1)
    fitted = fit_standardisation(features, features)
    np.testing.assert_allclose(fitted.target(features)[:, 3], 0, atol=1e-3)


def test_an_example_of_weight_three_counts_as_three():
    weights = np.arange(40) % 4
    ours, expected = Scale.of(SOURCE, weights), Scale.of(np.repeat(SOURCE, weights, axis=0))
    np.testing.assert_allclose(ours.mean, expected.mean, rtol=1e-6)
    np.testing.assert_allclose(ours.deviation, expected.deviation, rtol=1e-6)


def test_features_of_two_layers_are_refused():
    with pytest.raises(ValueError, match="from the same layer"):
        fit_standardisation(SOURCE, TARGET[:, :2])
