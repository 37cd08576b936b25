"""Combinations of attributes by hand, and the drawn world's."""

from dataclasses import replace

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.data.synthetic.attribute_world import (
    GROUPS,
    attribute_table,
    combinations,
    load_attribute_world,
    seen_and_unseen,
)
from jtransfer.recipes.zero_shot.attribute_classes import AttributeClasses
from jtransfer.recipes.zero_shot.attribute_judging import choose_rule, judge_attributes

# Two sizes, two colours, two shapes: eight classes.
NAMES = {"size": ("small", "large"), "colour": ("red", "blue"), "shape": ("disc", "cross")}
ROWS = np.array([[1 - s, s, 1 - c, c, 1 - f, f] for s in (0, 1) for c in (0, 1) for f in (0, 1)])
TABLE = ClassTable(ROWS, tuple("abcdefgh"), tuple(sum(NAMES.values(), ())), "things")
SEEN = [0, 1, 2, 4, 6, 7]


def test_perfect_attributes_name_every_combination():
    """And one that is never told is what is missing: colour, whose four are equally probable."""
    seen, unseen = seen_and_unseen()
    classes = AttributeClasses.make(attribute_table(), GROUPS, seen=seen, unseen=unseen)
    table = classes.table.values
    parts = [classes.known, classes.validation, classes.unseen]
    assert sorted(np.concatenate(parts)) == list(range(288))
    np.testing.assert_array_equal(classes.places, combinations())
    train = load_attribute_world("train", size=384)
    test = load_attribute_world("test", size=288)
    held = np.flatnonzero(np.isin(train.labels, classes.known))
    choice = choose_rule(classes, train, table[train.labels], held)
    assert choice["validation"] == {"product": 1.0, "distance": 1.0}
    measured = judge_attributes(classes, test, table[test.labels], choice)
    ends = (measured["accuracy"], measured["all_right"], measured["calibrated"]["H"])
    assert ends == pytest.approx((1, 1, 1))
    blind = table[test.labels].copy()
    blind[:, 8:12] = 0.25
    measured = judge_attributes(classes, test, blind, choice)
    assert measured["attributes"]["shape"] == {"known": 1.0, "unseen": 1.0}
    # Told to be red, and a quarter is; among the unseen the other attributes tell some more.
    red = combinations()[classes.unseen, 3] == 0
    assert measured["all_right"] == pytest.approx(red.mean())
    assert red.mean() < measured["accuracy"] < 0.9


def test_places_by_hand():
    classes = AttributeClasses.make(TABLE, NAMES, seen=SEEN, unseen=[5, 3], folds=3)
    assert classes.unseen.tolist() == [3, 5]
    assert (len(classes.known), len(classes.validation)) == (4, 2)
    assert classes.sizes == (2, 2, 2)
    assert classes.places.tolist() == [[s, c, f] for s in (0, 1) for c in (0, 1) for f in (0, 1)]
    assert classes.told(np.array([[0.4, 0.6, 0.8, 0.2, 0.3, 0.7]])).tolist() == [[1, 0, 1]]
    # Large, and rather blue: of small blue cross and large red cross the latter is nearer.
    scores = classes.scores(np.array([[0.0, 1.0, 0.4, 0.6, 0.5, 0.5]]), classes.unseen, "distance")
    assert scores.argmax() == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"groups": {"size": ("small", "large")}}, r"has 6 attributes, groups \['size'\] of \[2\]"),
        ({"table": replace(TABLE, values=ROWS / 2)}, "a 1 for one attribute of each group"),
    ],
)
def test_a_table_that_is_not_of_the_groups_is_refused(change, says):
    given = {"table": TABLE, "groups": NAMES, **change}
    with pytest.raises(DataError, match=says):
        AttributeClasses.make(**given, seen=SEEN, unseen=[3, 5], folds=3)


def test_an_attribute_that_no_trained_class_shows_is_named():
    with pytest.raises(ValueError, match=r"small, large, .*: the same in all 2 classes that are"):
        AttributeClasses.make(TABLE, NAMES, seen=[0, 1, 2, 3], unseen=[5, 6], folds=2)
