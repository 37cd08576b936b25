from functools import partial

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.splits import (
    class_folds,
    per_class_split,
    per_group_split,
    stratified_folds,
)

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [5, 9, 30])).astype(np.int32)


def counts(positions):
    return np.bincount(LABELS[positions], minlength=3).tolist()


def test_so_many_of_each_class_to_train_and_the_rest_to_test():
    train, test = per_class_split(LABELS, train=4, seed=0)
    assert counts(train) == [4, 4, 4]
    assert counts(test) == [1, 5, 26]
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(44))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(test) > 0)


def test_the_test_may_be_bounded_without_moving_the_training():
    train, test = per_class_split(LABELS, train=4, test_at_most=3, seed=0)
    assert counts(test) == [1, 3, 3]
    unbounded, everything = per_class_split(LABELS, train=4, seed=0)
    np.testing.assert_array_equal(train, unbounded)
    assert set(test) < set(everything)


def test_the_seed_decides():
    one, again, other = (per_class_split(LABELS, train=4, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_every_example_is_as_likely():
    """Of 30 examples, 15 are drawn: over 400 seeds each should be drawn 200 ± 10 times."""
    labels = np.zeros(30, np.int32)
    drawn = np.zeros(30)
    for seed in range(400):
        drawn[per_class_split(labels, train=15, seed=seed)[0]] += 1
    assert np.all(abs(drawn - 200) < 45)


def test_a_class_with_too_few_is_named():
    with pytest.raises(
        DataError,
        match=r"few examples: ant has 5; expected at least 6 of every .*Train on fewer, add to",
    ):
        per_class_split(LABELS, train=5, seed=0, classes=("ant", "bee", "cat"))
    with pytest.raises(DataError, match="0 has 5, 1 has 9; expected at least 11"):
        per_class_split(LABELS, train=10, seed=0)


def test_a_class_without_examples_is_named():
    with pytest.raises(DataError, match="dog has 0; expected at least 2"):
        per_class_split(LABELS, train=1, seed=0, classes=("ant", "bee", "cat", "dog"))


@pytest.mark.parametrize("numbers", [{"train": 0}, {"train": 1, "test_at_most": 0}])
def test_a_split_without_a_part_is_refused(numbers):
    with pytest.raises(DataError, match="expected at least 1 example a class of each"):
        per_class_split(LABELS, seed=0, **numbers)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros((4, 2), int), r"labels of shape \(4, 2\); expected \[n\]"),
        (np.zeros(0, int), r"labels of shape \(0,\); expected \[n\]"),
        (np.array([-1, 0, 0]), "labels from -1 to 0, .*expected numbers from 0"),
        (np.array(["a", "b", "a"]), r"labels are <U1, such as .*np\.unique"),
    ],
)
@pytest.mark.parametrize(
    "split",
    [
        partial(per_class_split, train=1, seed=0),
        partial(stratified_folds, folds=2, seed=0),
    ],
)
def test_what_is_no_list_of_classes_is_refused(split, labels, says):
    with pytest.raises(DataError, match=says):
        split(labels)


def test_folds_validate_each_example_once_with_equal_shares():
    folds = stratified_folds(LABELS, 5, seed=0)
    assert len(folds) == 5
    everything = np.concatenate([validation for _, validation in folds])
    np.testing.assert_array_equal(np.sort(everything), np.arange(44))
    for train, validation in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(44))
        ants, bees, cats = counts(validation)
        assert (ants, cats) == (1, 6)
        assert bees in (1, 2)


def test_folds_follow_the_seed():
    one, again, other = (stratified_folds(LABELS, 3, seed=seed)[0][1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_folds_need_an_example_of_each_class():
    with pytest.raises(
        DataError,
        match=r"ant has 5; expected at least 6 .*each of the 6 folds\. Add to these classes",
    ):
        stratified_folds(LABELS, 6, seed=0, classes=("ant", "bee", "cat"))
    with pytest.raises(DataError, match="1 folds; expected at least 2"):
        stratified_folds(LABELS, 1, seed=0)


def test_groups_stay_whole_and_every_class_is_on_both_sides():
    labels = np.repeat([0, 1, 2], [30, 20, 6])
    groups = np.concatenate([np.arange(30) // 3, np.arange(20) // 4, np.arange(6) // 3])
    train, test = per_group_split(labels, groups, test=0.2, seed=0)
    assert sorted([*train, *test]) == list(range(56))
    sides = [{(int(labels[i]), int(groups[i])) for i in part} for part in (train, test)]
    assert sides[0].isdisjoint(sides[1])
    # A fifth of ten, of five and of two groups: two, one, and at least one.
    assert [sum(label == each for label, _ in sides[1]) for each in range(3)] == [2, 1, 1]
    again, other = (per_group_split(labels, groups, test=0.2, seed=s)[1] for s in (0, 1))
    assert again.tolist() == test.tolist() != other.tolist()


def test_a_class_of_one_group_cannot_be_split():
    with pytest.raises(DataError, match=r"1 has 1; expected at least 2 .* one group to train on"):
        per_group_split(np.array([0, 0, 1, 1]), np.array([0, 1, 5, 5]), test=0.5, seed=0)


def test_groups_for_other_examples_and_other_shares_are_refused():
    with pytest.raises(DataError, match=r"groups of shape \(3,\) for labels of shape \(2,\)"):
        per_group_split(np.zeros(2, int), np.zeros(3, int), test=0.5, seed=0)
    with pytest.raises(DataError, match=r"a share of 1\.0"):
        per_group_split(np.zeros(2, int), np.arange(2), test=1.0, seed=0)


def test_folds_of_classes_by_hand():
    folds = class_folds([3, 5, 8, 9, 11], 2, seed=0)
    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == [3, 5, 8, 9, 11]
    for train, held in folds:
        assert sorted([*train, *held]) == [3, 5, 8, 9, 11]
    with pytest.raises(DataError, match="2 folds of 3 classes"):
        class_folds([1, 2, 3], 2, seed=0)
    with pytest.raises(DataError, match="3 of them different"):
        class_folds([1, 2, 3, 3], 2, seed=0)
