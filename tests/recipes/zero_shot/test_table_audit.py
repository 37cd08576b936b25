import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.recipes.zero_shot.table_audit import alike, audit_table, look_up, only_by

# fox and wolf are alike; fins alone tell seal from fox and wolf, legs alone snake from hen.
VALUES = np.array([[0, 1, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0.5, 1, 0], [0, 0, 1, 0]])
NAMES = ("fox", "wolf", "seal", "hen", "snake")


def test_what_no_attribute_and_what_one_alone_tells_apart():
    assert alike(VALUES, NAMES) == [["fox", "wolf"]]
    assert alike(VALUES[1:], NAMES[1:]) == []
    assert only_by(VALUES) == [2, 1, 0, 0]


def test_without_a_guess_classes_alike_share_the_point():
    random = np.random.default_rng(0)
    assert look_up(VALUES, 0.0, 1, random) == pytest.approx(((1 + 1 + 1 + 0.5 + 0.5) / 5, 1.0))
    found, _ = look_up(VALUES, 1.0, 400, random)
    assert found == pytest.approx(1 / 5, abs=0.02)


def test_a_table_of_ones_own_is_audited():
    table = ClassTable(VALUES, NAMES, ("fins", "legs", "eggs", "tame"), "beasts")
    audit = audit_table(table, guessed=(0.0, 0.5), draws=2, seeds=(0, 1))
    assert (audit["classes"], audit["attributes"], audit["distinct"]) == (5, 4, 4)
    assert audit["constant"] == ["tame"]
    assert audit["only_by"] == {"fins": 2, "legs": 1, "eggs": 0, "tame": 0}
    assert audit["found"]["0"] == pytest.approx([0.8, 0.8])
    assert len(audit["found_or_alike"]["0.5"]) == 2


def test_a_table_that_tells_nothing_is_refused():
    table = ClassTable(np.zeros((2, 1)), ("fox", "wolf"), ("fins",), "beasts")
    with pytest.raises(DataError, match="every attribute is the same in all classes"):
        audit_table(table)
