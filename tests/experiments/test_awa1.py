import numpy as np
import pytest

from experiments.awa1 import load_awa1, rooted
from jtransfer.data import DataError
from tests.experiments.animals import NAMES, write_animals


@pytest.fixture
def root(tmp_path):
    return write_animals(tmp_path)


def test_a_missing_attribute_is_the_mean_of_the_others(root):
    table = load_awa1(root, "words.npz").tables["continuous"]
    # Without the second class's, attribute b of the seven others: .1 three times, .9 four times.
    assert table.values[1, 1] == pytest.approx((3 * 0.1 + 4 * 0.9) / 7)


def test_square_roots_of_the_wanted_lengths():
    features = {"a": np.array([[9.0, 16.0]]), "b": np.array([[4.0, 0.0]])}
    np.testing.assert_allclose(rooted(features, {"a": 1.0, "b": 0.5}), [[0.6, 0.8, 0.5, 0]])


def test_what_is_missing(tmp_path, root):
    with pytest.raises(DataError, match=r"awa1\.npz is not there; expected the features"):
        load_awa1(tmp_path / "none")
    with pytest.raises(DataError, match=r"none\.npz is not there; expected an archive with words"):
        load_awa1(root, "none.npz")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("test_classes", np.array(["fox", "ox"]), "fox are both seen and unseen"),
        ("attributes_binary", np.tile(np.eye(2, 3), (4, 1)), "fox and polar.bear, fox and bat"),
        ("attributes_binary", np.eye(7, 3), "expected .classes, attributes."),
        ("class_names", np.array([*NAMES[:-1], "yeti"]), "no vector for yeti"),
    ],
)
def test_classes_that_cannot_be_told(root, key, value, says):
    with np.load(root / "awa1.npz") as archive:
        content = dict(archive)
    np.savez(root / "awa1.npz", **{**content, key: value})
    with pytest.raises(ValueError, match=says):
        load_awa1(root, "words.npz")
