import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.splits import class_folds, per_class_split, stratified_folds

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
    with pytest.raises(DataError, match=r"few examples: ant has 5; expected at least 6 of every"):
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


@pytest.mark.parametrize("labels", [np.zeros(0, int), np.zeros((2, 2), int), np.array([0, -1])])
def test_what_is_no_list_of_classes_is_refused(labels):
    with pytest.raises(DataError, match="labels of shape"):
        per_class_split(labels, train=1, seed=0)


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
    with pytest.raises(DataError, match=r"ant has 5; expected at least 6 .*each of the 6 folds"):
        stratified_folds(LABELS, 6, seed=0, classes=("ant", "bee", "cat"))
    with pytest.raises(DataError, match="1 folds; expected at least 2"):
        stratified_folds(LABELS, 1, seed=0)


def test_folds_of_classes_by_hand():
    folds = class_folds([3, 5, 8, 9, 11], 2, seed=0)
    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == [3, 5, 8, 9, 11]
    for train, held in folds:
        assert sorted([*train, *held]) == [3, 5, 8, 9, 11]
    with pytest.raises(DataError, match="2 folds of 3 classes"):
        class_folds([1, 2, 3], 2, seed=0)
    with pytest.raises(DataError, match="3 of them different"):
        class_folds([1, 2, 3, 3], 2, seed=0)
