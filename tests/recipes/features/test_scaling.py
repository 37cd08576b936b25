import numpy as np
import pytest

from jtransfer.recipes.features.scaling import scaled


def test_scaling_by_hand():
    features = np.array([[3.0, 4.0], [0.0, 10.0], [0.0, 0.0]])
    np.testing.assert_allclose(scaled(features), [[0.6, 0.8], [0, 1], [0, 0]], rtol=1e-6)
    # The first two have lengths 5 and 10, 7.5 in the mean; with the last it is 5.
    np.testing.assert_allclose(scaled(features, "mean", train=2), features / 7.5, rtol=1e-6)
    np.testing.assert_allclose(scaled(features, "mean"), features / 5, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["l2", "mean"])
def test_zeros_stay_zeros(scaling):
    assert not scaled(np.zeros((3, 2)), scaling).any()


def test_what_is_given_stays_as_it_is():
    features = np.array([[3.0, 4.0]], np.float32)
    scaled(features)
    assert features.tolist() == [[3, 4]]


def test_an_unknown_scaling_is_named():
    with pytest.raises(ValueError, match="scaling 'max'; expected one of l2, mean"):
        scaled(np.ones((2, 2)), "max")
