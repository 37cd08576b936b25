import numpy as np
import pytest
from scipy.io import savemat

from jtransfer.data import DataError
from jtransfer.data.sources.attributes import (
    ClassTable,
    read_att_splits,
    read_awa1,
    read_awa2,
    read_csv,
)

ANIMALS = ClassTable(
    np.array([[1, 0.5], [0, np.nan]]), ("zebra", "polar+bear"), ("striped", "big"), "animals"
)


def test_rows_are_taken_by_name():
    np.testing.assert_array_equal(ANIMALS.take(["polar+bear", "zebra"]).values[:, 0], [0, 1])
    with pytest.raises(DataError, match="animals has no row for cow, sheep; expected one"):
        ANIMALS.take(["cow", "zebra", "sheep"])


def test_what_is_missing_is_named_or_filled():
    with pytest.raises(DataError, match=r"no value for big of polar\+bear; expected every"):
        ANIMALS.complete()
    np.testing.assert_array_equal(ANIMALS.filled().complete(), [[1, 0.5], [0, 0.5]])
    empty = ClassTable(np.full((2, 1), np.nan), ("a", "b"), ("big",), "t")
    with pytest.raises(DataError, match="no class has a value for big"):
        empty.filled()


def test_names_that_do_not_fit():
    with pytest.raises(DataError, match="class zebra is there more than once"):
        ClassTable(np.zeros((2, 1)), ("zebra", "zebra"), ("big",), "t")
    with pytest.raises(DataError, match=r"values \(2, 1\) for 1 classes"):
        ClassTable(np.zeros((2, 1)), ("zebra",), ("big",), "t")
    with pytest.raises(DataError, match="big of zebra is infinite"):
        ClassTable(np.full((1, 1), np.inf), ("zebra",), ("big",), "t")


def test_csv(tmp_path):
    file = tmp_path / "zoo.csv"
    file.write_text(",hair,legs,fins\nbear,True,4,\nsole,no,0,yes\n")
    table = read_csv(file)
    assert (table.classes, table.attributes) == (("bear", "sole"), ("hair", "legs", "fins"))
    np.testing.assert_array_equal(table.values, [[1, 4, np.nan], [0, 0, 1]])
    assert read_csv(file, leave_out=["legs"]).attributes == ("hair", "fins")
    with pytest.raises(DataError, match="no column type; it has hair, legs, fins"):
        read_csv(file, leave_out=["type"])
    file.write_text(",hair\nbear,much\n")
    with pytest.raises(DataError, match="line 2 holds 'much'; expected a number"):
        read_csv(file)
    file.write_text(",hair,legs\nbear,1\n")
    with pytest.raises(DataError, match="line 2 has 2 cells, expected 3 as in the first line"):
        read_csv(file)
    file.write_text(",hair\nbear,1\n,1\n")
    with pytest.raises(DataError, match="line 3 names no class"):
        read_csv(file)
    with pytest.raises(DataError, match=r"none\.csv is not there; expected a table"):
        read_csv(tmp_path / "none.csv")


def test_awa1(tmp_path):
    file = tmp_path / "awa1.npz"
    names = {"class_names": np.array(["a", "b"]), "attribute_names": np.array(["x", "y"])}
    continuous = np.array([[-1, 50], [25, 0]], np.float32)
    np.savez(
        file,
        attributes_continuous=continuous,
        attributes_binary=np.eye(2, dtype=np.uint8),
        **names,
    )
    np.testing.assert_allclose(read_awa1(file, "continuous").values, [[np.nan, 0.5], [0.25, 0]])
    np.testing.assert_array_equal(read_awa1(file, "binary").values, np.eye(2))
    file.write_bytes(b"PK not an archive")
    with pytest.raises(DataError, match="cannot be read"):
        read_awa1(file, "binary")


def test_awa2(tmp_path):
    (tmp_path / "classes.txt").write_text("    1\tantelope\n    2\tgrizzly+bear\n")
    (tmp_path / "predicates.txt").write_text("1 black\n2 white\n")
    (tmp_path / "predicate-matrix-binary.txt").write_text("0 1\n1 0\n")
    (tmp_path / "predicate-matrix-continuous.txt").write_text("  -1.00  12.50\n 100.00 0.00\n")
    table = read_awa2(tmp_path, "continuous")
    assert table.classes == ("antelope", "grizzly+bear")
    np.testing.assert_allclose(table.values, [[np.nan, 0.125], [1, 0]])
    np.testing.assert_array_equal(read_awa2(tmp_path, "binary").values, [[0, 1], [1, 0]])


def test_att_splits(tmp_path):
    """Xian's files hold attributes x classes, and names as a column of cells."""
    file = tmp_path / "att_splits.mat"
    names = np.array([["a+b"], ["c"]], object)
    savemat(file, {"original_att": np.array([[1.0, 2], [3, 4], [5, 6]]), "allclasses_names": names})
    table = read_att_splits(file)
    assert table.classes == ("a+b", "c")
    np.testing.assert_array_equal(table.values, [[1, 3, 5], [2, 4, 6]])
    with pytest.raises(DataError, match="expected a MATLAB file"):
        read_att_splits(file, "att")
    file.write_bytes(b"nothing of the kind" * 20)
    with pytest.raises(DataError, match="cannot be read"):
        read_att_splits(file)


@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e60])
def test_numbers_that_are_not_finite_are_refused(tmp_path, odd):
    """Missing values are written otherwise: as -1 in awa1, as nothing in csv, not at all in mat."""
    file = tmp_path / "awa1.npz"
    values = np.array([[1.0, 50], [odd, 0]])
    names = {"class_names": ["a", "b"], "attribute_names": ["x", "y"]}
    np.savez(file, attributes_continuous=values, **names)
    with pytest.raises(DataError, match=r"awa1\.npz holds .* at \[1, 0\]; expected finite numbers"):
        read_awa1(file, "continuous")
    file = tmp_path / "att_splits.mat"
    cells = np.array([["a"], ["b"]], object)
    savemat(file, {"original_att": values, "allclasses_names": cells})
    with pytest.raises(DataError, match=r"att_splits\.mat holds .* at \[1, 0\]; expected finite"):
        read_att_splits(file)


@pytest.mark.parametrize("word", ["nan", "inf", "1_0", "0x1", "٣", "1e", "--1"])
def test_words_that_python_takes_for_numbers_are_refused(tmp_path, word):
    file = tmp_path / "zoo.csv"
    file.write_text(f",hair\nbear,{word}\n")
    with pytest.raises(DataError, match=r"line 2 holds .*; expected a number"):
        read_csv(file)


def test_numbers_too_large_are_named(tmp_path):
    file = tmp_path / "zoo.csv"
    file.write_text(",hair\nbear,1e60\n")
    with pytest.raises(DataError, match="hair of bear is infinite or too large"):
        read_csv(file)


def test_many_names_are_checked_in_no_time():
    """Counting each in turn would take a minute for 30,000."""
    names = tuple(map(str, range(30_000)))
    assert len(ClassTable(np.zeros((30_000, 1)), names, ("x",), "t").classes) == 30_000


def test_att_splits_of_other_content_are_named(tmp_path):
    file = tmp_path / "att_splits.mat"
    cells = np.array([["a"], ["b"]], object)
    for content, says in (
        ({"original_att": np.eye(2)}, "has no allclasses_names; expected a MATLAB file"),
        ({"original_att": "text", "allclasses_names": cells}, "has no matrix original_att"),
        ({"original_att": np.eye(2), "allclasses_names": np.eye(2)}, "is no list of names"),
        ({"original_att": np.eye(3), "allclasses_names": cells}, "for 2 classes and 3 attributes"),
    ):
        savemat(file, content)
        with pytest.raises(DataError, match=says):
            read_att_splits(file)


@pytest.mark.slow
def test_the_real_tables(data_root):
    table = read_awa1(data_root / "awa1.npz", "continuous")
    assert np.isnan(table.values).sum() == 4
    with pytest.raises(DataError, match="black of antelope"):
        table.complete()
    zoo = read_csv(data_root / "zoo.csv", leave_out=["type"])
    assert zoo.take(["aardvark"]).complete().shape == (1, 16)
