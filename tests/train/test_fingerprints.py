import numpy as np
import pytest

from jtransfer.train.fingerprints import fingerprint

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    "other",
    [
        (VALUES.reshape(3, 2), ("fox",)),
        (VALUES.astype(np.int32), ("fox",)),
        (np.where(VALUES == 4, np.nextafter(VALUES, 9), VALUES), ("fox",)),
        (VALUES, ("cow",)),
        (("fox",), VALUES),
    ],
)
def test_it_changes_with_anything(other):
    assert fingerprint(*other) != fingerprint(VALUES, ("fox",))


def test_it_is_of_the_numbers_and_not_of_where_they_lie():
    turned = np.asfortranarray(VALUES)
    assert fingerprint(turned, ("fox",)) == fingerprint(VALUES.copy(), ("fox",))
    assert len(fingerprint(VALUES)) == 16
