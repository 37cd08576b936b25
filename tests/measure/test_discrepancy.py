import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from jtransfer.measure.discrepancy import proxy_a_distance


def normal(count, width=5, *, mean=0.0, seed=0):
    return np.random.default_rng(seed).normal(mean, 1, (count, width))


def test_one_distribution_is_near_0():
    # The test half holds 2,000 examples: an error of 0.5 +- 0.011, so a distance of 0 +- 0.045.
    assert proxy_a_distance(normal(2000, seed=1), normal(2000, seed=2)) < 0.14


def test_separable_domains_are_at_2():
    assert proxy_a_distance(normal(200, mean=-5), normal(200, mean=5, seed=1)) == 2


def test_known_overlap():
    # In one dimension U(0, 1) against U(0.5, 1.5): the best threshold lies anywhere in the overlap
    # and errs on half of one domain, so on a quarter of the mix: 2 (1 - 2 / 4) = 1.
    rng = np.random.default_rng(0)
    source, target = rng.uniform(0, 1, (4000, 1)), rng.uniform(0.5, 1.5, (4000, 1))
    assert proxy_a_distance(source, target, limit=4000) == pytest.approx(1, abs=0.08)


def test_a_classifier_worse_than_chance_counts_as_chance():
    # The same 16 points in both domains: what is learned of one half misleads on the other.
    for seed in range(5):
        same = normal(16, 2, seed=seed)
        assert 0 <= proxy_a_distance(same, same, seed=seed) <= 2


def test_the_mix_holds_as_many_of_both():
    # With unequal parts "always the larger domain" would err on 2% only, for a distance of 1.9.
    assert proxy_a_distance(normal(5000, seed=1), normal(100, seed=2)) < 0.7


def test_scale_and_shift_of_a_feature_do_not_count():
    source, target = normal(300, seed=1), normal(300, mean=0.5, seed=2)
    scale, shift = np.array([1e-3, 1, 1e3, 5, 0.1]), 7.0
    assert proxy_a_distance(source * scale + shift, target * scale + shift) == pytest.approx(
        proxy_a_distance(source, target), abs=0.05
    )


def test_a_seed_gives_one_number():
    source, target = normal(60, seed=1), normal(80, mean=0.5, seed=2)
    assert proxy_a_distance(source, target, seed=3) == proxy_a_distance(source, target, seed=3)
    assert len({proxy_a_distance(source, target, seed=seed) for seed in range(5)}) > 1


def test_constant_features_and_float32_are_no_harm():
    source, target = normal(100, seed=1), normal(100, mean=9, seed=2)
    source[:, 0] = target[:, 0] = 3
    assert proxy_a_distance(source.astype(np.float32), target.astype(np.float32)) == 2


@settings(max_examples=20)
@given(
    st.integers(8, 40), st.integers(8, 40), st.integers(1, 4), st.floats(0, 5), st.integers(0, 9)
)
def test_stays_in_range(n, m, width, mean, seed):
    distance = proxy_a_distance(normal(n, width), normal(m, width, mean=mean, seed=1), seed=seed)
    assert 0 <= distance <= 2


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        (normal(20, 3), normal(20, 4), "source_features have 3 columns and target_features 4"),
        (np.zeros((9, 2, 2, 3)), normal(9), r"source_features have shape \(9, 2, 2, 3\).*reshape"),
        (normal(20), np.full((20, 5), np.nan), "target_features hold numbers that are not finite"),
        (normal(7), normal(20), "7 source and 20 target examples.*at least 8 of each"),
        (np.zeros((20, 0)), np.zeros((20, 0)), r"source_features have shape \(20, 0\)"),
    ],
)
def test_features_that_cannot_be_compared(source, target, says):
    with pytest.raises(ValueError, match=says):
        proxy_a_distance(source, target)


def test_a_limit_that_leaves_too_little():
    with pytest.raises(ValueError, match="limit=4, expected at least 8"):
        proxy_a_distance(normal(20), normal(20), limit=4)
