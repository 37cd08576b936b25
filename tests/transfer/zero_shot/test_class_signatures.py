import numpy as np
import pytest

from jtransfer.transfer.zero_shot.class_signatures import (
    check_seen,
    learnable,
    require_disjoint,
    require_distinct,
    same_signatures,
)

TABLE = np.array([[1, 0, 1], [0, 1, 1], [1, 0, 1]])


def test_classes_with_identical_attributes_are_named():
    assert same_signatures(TABLE) == [("0", "2")]
    with pytest.raises(ValueError, match="fox and wolf have the same attributes"):
        require_distinct(TABLE, ["fox", "cow", "wolf"])
    require_distinct(TABLE[:2])


def test_a_class_both_seen_and_unseen_is_named():
    with pytest.raises(ValueError, match="cow are both seen and unseen"):
        require_disjoint(["fox", "cow"], ["cow", "wolf"])
    with pytest.raises(ValueError, match="1 seen and 0 unseen classes"):
        require_disjoint(["fox"], [])


def test_attributes_that_are_constant_over_the_seen_classes():
    assert learnable(TABLE).tolist() == [True, True, False]
    with pytest.raises(ValueError, match="all 3 attributes are constant over the 1 seen"):
        learnable(TABLE[:1])


def test_examples_that_do_not_fit():
    features, labels = np.ones((2, 4)), np.array([0, 1])
    check_seen(features, labels, TABLE)
    with pytest.raises(ValueError, match="attribute 1 of class 0 is nan; expected finite"):
        check_seen(features, labels, np.array([[0, np.nan], [1, 1]]))
    with pytest.raises(ValueError, match="labels from 0 to 3 for 3 signatures"):
        check_seen(features, np.array([0, 3]), TABLE)
    with pytest.raises(ValueError, match=r"expected \[n, dims\], \[n\] and"):
        check_seen(features, labels[:1], TABLE)


def test_labels_that_are_no_class_numbers():
    with pytest.raises(ValueError, match=r"label 1 is 0\.5; expected the number of a class"):
        check_seen(np.ones((2, 4)), np.array([0, 0.5]), TABLE)
    assert check_seen(np.ones((2, 4)), np.array([0, 2], np.uint8), TABLE).dtype == np.int32
