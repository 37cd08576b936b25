from dataclasses import replace

import numpy as np
import pytest

from jtransfer.data.examples import DataError
from tests.recipes.finetuning.toy_domains import PROBLEM, examples


def test_labelled_images_are_as_many_of_each_class():
    drawn = PROBLEM.labelled(5, 0)
    assert np.bincount(PROBLEM.target.labels[drawn]).tolist() == [5, 5, 5]
    assert not np.array_equal(drawn, PROBLEM.labelled(5, 1))
    assert len(PROBLEM.labelled(0, 0)) == 45
    with pytest.raises(DataError, match="too few examples: top has 15"):
        PROBLEM.labelled(15, 0)


def test_parts_that_do_not_agree_are_refused():
    other = replace(PROBLEM.test, classes=("top", "bottom", "middle"))
    with pytest.raises(DataError, match="bright and bright test differ in their classes"):
        replace(PROBLEM, test=other)
    with pytest.raises(DataError, match="dark and dark test differ in their classes"):
        replace(PROBLEM, source_test=replace(PROBLEM.source_test, classes=other.classes))
    smaller = replace(PROBLEM.target, images=PROBLEM.target.images[:, :6])
    with pytest.raises(DataError, match=r"images of dark are \(12, 12, 1\), those of bright \(6,"):
        replace(PROBLEM, target=smaller)
    binary = replace(PROBLEM.test, images=PROBLEM.test.images // 128)
    with pytest.raises(DataError, match="those of bright test 1; expected one value range"):
        replace(PROBLEM, test=binary)


def test_the_target_may_have_other_classes():
    assert PROBLEM.same_classes
    target, test = (examples(name, 45, 60, classes=("a", "b", "c")) for name in ("t", "tt"))
    assert not replace(PROBLEM, target=target, test=test).same_classes
