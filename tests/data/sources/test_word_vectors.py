import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.sources.word_vectors import class_vectors, read_word_vectors, words_of

VECTORS = {"polar": [1.0, 0.0], "bear": [0.0, 1.0], "t-shirt": [5.0, 5.0]}


@pytest.mark.parametrize("name", ["Polar+Bear", "polar-bear", "polar_bear", " polar  bear"])
def test_names_of_several_words_are_averaged(name):
    assert words_of(name) == ["polar", "bear"]
    np.testing.assert_array_equal(class_vectors([name], VECTORS).values, [[0.5, 0.5]])


def test_a_name_that_is_a_word_itself_is_not_parted():
    np.testing.assert_array_equal(class_vectors(["t-shirt"], VECTORS).values, [[5, 5]])


def test_missing_words_are_named():
    with pytest.raises(DataError, match=r"lack snow-bear \(no vector for snow\); cow \(.*cow\);"):
        class_vectors(["bear", "snow-bear", "cow"], VECTORS)


def test_glove_text(tmp_path):
    file = tmp_path / "glove.txt"
    file.write_text("polar 1 0\nbear 0 1\n")
    read = read_word_vectors(file)
    np.testing.assert_array_equal(read["bear"], [0, 1])
    assert list(read_word_vectors(file, {"polar"})) == ["polar"]
    file.write_text("polar 1 0\nbear 0\n")
    with pytest.raises(DataError, match="line 2: 'bear' has 1 numbers, others 2"):
        read_word_vectors(file)
    file.write_text("polar one two\n")
    with pytest.raises(DataError, match="line 1 is no word with its numbers"):
        read_word_vectors(file)


def test_npz(tmp_path):
    file = tmp_path / "glove.npz"
    np.savez(file, words=np.array(["polar", "bear"]), vectors=np.eye(2, dtype=np.float16))
    read = read_word_vectors(file)
    np.testing.assert_array_equal(read["bear"], [0, 1])
    assert read["bear"].dtype == np.float32
    np.savez(file, words=np.array(["polar"]), vectors=np.eye(2))
    with pytest.raises(DataError, match="expected \\[n\\] and"):
        read_word_vectors(file)
    np.savez(file, other=np.eye(2))
    with pytest.raises(DataError, match=r"has no vectors; it holds \['other'\]"):
        read_word_vectors(file)
    with pytest.raises(DataError, match="is not there; expected an archive with words"):
        read_word_vectors(tmp_path / "none.npz")
