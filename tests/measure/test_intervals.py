import numpy as np
import pytest
from scipy.stats import binomtest

from jtransfer.measure.intervals import folds_worth, mean_accuracy_interval, wilson


@pytest.mark.parametrize(("right", "count"), [(0, 10), (7, 10), (350, 350), (1, 1)])
def test_wilson_is_scipys(right, count):
    expected = binomtest(right, count).proportion_ci(method="wilson")
    found = wilson(right / count, count)
    assert found.value == right / count
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_of_one_class_it_is_wilsons():
    assert mean_accuracy_interval([7], [10]) == pytest.approx(wilson(0.7, 10))


def test_of_equal_classes_it_is_that_of_all_answers_together():
    assert mean_accuracy_interval([8, 8], [10, 10]) == pytest.approx(wilson(0.8, 20))


def test_where_all_are_right_it_has_a_width():
    found = mean_accuracy_interval([50] * 7, [50] * 7)
    assert found.high == 1
    assert found.low == pytest.approx(350 / (350 + 1.959963984540054**2))


def test_a_small_hard_class_counts_for_its_variance():
    # p = .75; the mean's variance is (.5 * .5 / 4) / 4 = 1/64, which is that of 12 answers.
    assert mean_accuracy_interval([2, 1000], [4, 1000]) == pytest.approx(wilson(0.75, 12))


def test_answers_of_folds_are_worth_less():
    assert folds_worth(5) == pytest.approx(4 / 9)
    assert mean_accuracy_interval([18], [20], independent=0.5) == pytest.approx(wilson(0.9, 10))


def test_classes_without_examples_are_left_out():
    assert mean_accuracy_interval([7, 0], [10, 0]) == mean_accuracy_interval([7], [10])


@pytest.mark.slow
def test_it_covers_the_truth_in_19_of_20():
    rng = np.random.default_rng(0)
    truth, counts = np.array([0.99, 0.95, 0.9, 1.0, 0.8]), np.array([30, 50, 20, 40, 60])
    found = [mean_accuracy_interval(rng.binomial(counts, truth), counts) for _ in range(4000)]
    covered = np.mean([each.low <= truth.mean() <= each.high for each in found])
    assert 0.94 <= covered <= 0.98


@pytest.mark.parametrize(("right", "counts"), [([3], [2]), ([1, 2], [3]), ([0], [0]), ([-1], [2])])
def test_what_cannot_be_is_refused(right, counts):
    with pytest.raises(ValueError, match=r"expected as many|expected at least one"):
        mean_accuracy_interval(right, counts)


def test_a_share_out_of_range_is_refused():
    with pytest.raises(ValueError, match="expected 0 to 1"):
        wilson(1.5, 10)
