import numpy as np
import pytest

from jtransfer.transfer.adaptation.class_balance import surest_of_each_class

PROBABILITIES = np.array(
    [[0.9, 0.1, 0], [0.6, 0.4, 0], [0.8, 0.2, 0], [0.7, 0.3, 0], [0.4, 0.6, 0], [0.45, 0.55, 0]]
)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.25, [0, 4]), (0.5, [0, 2, 4]), (1.0, range(6)), (1e-6, [0, 4])]
)
def test_the_surest_by_hand(share, expected):
    """Four guesses of the first class, two of the second, none of the third."""
    assert surest_of_each_class(PROBABILITIES, share).tolist() == list(expected)


def test_shares_and_rows_that_are_none():
    for share in (0, 1.5, np.nan):
        with pytest.raises(ValueError, match="expected a number above 0 and at most 1"):
            surest_of_each_class(PROBABILITIES, share)
    with pytest.raises(ValueError, match="Apply softmax"):
        surest_of_each_class(PROBABILITIES * 2, 0.5)
