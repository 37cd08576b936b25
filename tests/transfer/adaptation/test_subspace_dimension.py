import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from jtransfer.transfer.adaptation.subspace_dimension import (
    agreement,
    dimensions_to_try,
    stable_dimension,
)
from tests.transfer.two_domains import ellipse

DEVIATIONS = [9, 6, 4, 1, 1, 1]


def two_ellipses():
    return ellipse(300, DEVIATIONS, 1), ellipse(200, DEVIATIONS, 2)


@pytest.mark.parametrize("radius", ["squared length", "length"])
def test_the_stable_dimension_is_that_of_the_bound(radius):
    source, target = two_ellipses()

    def holds(d, gamma, delta):
        farthest, gap = 0.0, math.inf
        for each in (source, target):
            centred = each - each.mean(axis=0)
            variances = np.sort(np.linalg.eigvalsh(np.cov(each.T, bias=True)))[::-1]
            gap = min(gap, variances[d - 1] - variances[d])
            farthest = max(farthest, np.linalg.norm(centred, axis=1).max())
        factor = 16 * d**1.5 * (1 + math.sqrt(math.log(2 / delta) / 2))
        B = farthest**2 if radius == "squared length" else farthest
        return gap >= factor * B / (gamma * math.sqrt(200))

    found = []
    for gamma in (1e1, 3e2, 1e3, 1e5):
        expected = max((d for d in range(1, 6) if holds(d, gamma, 0.1)), default=1)
        found.append(stable_dimension(source, target, gamma=gamma, delta=0.1, radius=radius))
        assert found[-1] == expected
    # The gaps behind the first three axes are wide, those behind the others are chance.
    assert found[0] == 1
    assert 3 in found
    assert found == sorted(found)


@given(power=st.integers(-30, 30))
def test_with_the_squared_length_the_stable_dimension_does_not_depend_on_the_unit(power):
    (source, target), unit = two_ellipses(), np.float32(2.0) ** power
    here = stable_dimension(source, target, gamma=1e3)
    assert stable_dimension(source * unit, target * unit, gamma=1e3) == here == 2


def test_with_the_length_it_grows_with_the_unit():
    source, target = two_ellipses()
    found = [
        stable_dimension(unit * source, unit * target, gamma=30, radius="length")
        for unit in (0.01, 1.0, 100.0)
    ]
    assert found == [1, 2, 3]


def test_constant_features_have_one_dimension():
    constant = np.ones((5, 4), np.float32)
    assert stable_dimension(constant, constant) in (1, 2, 3)
    assert stable_dimension(constant[:2], ellipse(9, [1, 1, 1, 1])) == 1


def test_agreement_by_hand():
    """The first and the last say the same, the second differs from them in one of three."""
    shares = agreement([np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0, 0, 1])])
    np.testing.assert_allclose(shares, [8 / 9, 7 / 9, 8 / 9])


def test_the_dimensions_tried():
    assert dimensions_to_try(63) == [4, 16]
    assert dimensions_to_try(5000) == [4, 16, 64, 256]
    assert dimensions_to_try(3) == [1, 2, 3]
    assert dimensions_to_try(1) == [1]


def test_what_has_no_stable_dimension():
    source, target = two_ellipses()
    with pytest.raises(ValueError, match="1 source and 200 target examples"):
        stable_dimension(source[:1], target)
    with pytest.raises(ValueError, match=r"gamma is 0\.0 and delta 0\.1; expected a positive"):
        stable_dimension(source, target, gamma=0.0)
    with pytest.raises(ValueError, match=r"delta 1\.0; expected a positive finite gamma and a pro"):
        stable_dimension(source, target, delta=1.0)
    with pytest.raises(ValueError, match="radius is 'variance'; expected one of squared length"):
        stable_dimension(source, target, radius="variance")  # pyright: ignore[reportArgumentType]
