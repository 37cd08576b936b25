from dataclasses import replace

import numpy as np
import pytest

from jtransfer.data import DataError
from tests.recipes.finetuning.toy_stripes import PROBLEM


def test_halves_are_disjoint_and_equal():
    a, b = PROBLEM.halves(0)
    assert PROBLEM.classes == 2
    for half in (a, b):
        assert sorted(set(half.labels[half.positions])) == [0, 1]
        assert len(half.positions) == 24
        assert (half.labels >= 0).sum() == 24
        assert half.test_labels.tolist().count(0) == half.test_labels.tolist().count(1) == 8
        assert len(half.test_images) == 16
    assert not set(a.positions) & set(b.positions)
    # The same number stands for the same class in training and in test.
    of_class = PROBLEM.train.labels[a.positions][a.labels[a.positions] == 1]
    assert len(set(of_class)) == 1
    bright = PROBLEM.test.images[PROBLEM.test.labels == of_class[0]]
    np.testing.assert_array_equal(a.test_images[a.test_labels == 1], bright)
    assert any(
        not np.array_equal(PROBLEM.halves(seed)[0].positions, a.positions) for seed in range(1, 4)
    )


def test_sets_that_do_not_agree_are_refused():
    with pytest.raises(DataError, match="stripes and stripes test differ in their classes"):
        replace(PROBLEM, test=replace(PROBLEM.test, classes=tuple("abced")))
    with pytest.raises(DataError, match="images of stripes are"):
        replace(PROBLEM, test=replace(PROBLEM.test, images=PROBLEM.test.images[:, :8]))
