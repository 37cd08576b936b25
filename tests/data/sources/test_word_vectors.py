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


def test_vectors_of_different_lengths_are_named():
    odd = {"polar": [1.0], "bear": [0.0, 1.0]}
    with pytest.raises(DataError, match="the words of polar bear vectors of the shapes"):
        class_vectors(["polar bear"], odd)
    with pytest.raises(DataError, match=r"give 2 classes vectors of the lengths \[1, 2\]"):
        class_vectors(["polar", "bear"], odd)
    with pytest.raises(DataError, match="give 0 classes"):
        class_vectors([], odd)


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


@pytest.mark.parametrize("odd", ["nan", "inf", "-inf", "1e60"])
def test_vectors_that_are_not_finite_are_refused(tmp_path, odd):
    text = tmp_path / "glove.txt"
    text.write_text(f"polar 1 0\nbear 0 {odd}\n")
    with pytest.raises(DataError, match=r"glove\.txt, line 2 holds .* at \[1\]; expected finite"):
        read_word_vectors(text)
    assert list(read_word_vectors(text, {"polar"})) == ["polar"]
    packed = tmp_path / "glove.npz"
    np.savez(packed, words=["polar", "bear"], vectors=[[1, 0], [0, float(odd)]])
    with pytest.raises(DataError, match=r"glove\.npz, vectors, holds .* at \[1, 1\]; expected fin"):
        read_word_vectors(packed)
    with pytest.raises(DataError, match=r"mine holds .* at \[0, 1\]; expected finite numbers"):
        class_vectors(["bear"], {"bear": np.array([0, float(odd)])}, name="mine")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r"glove\.txt is empty, 0 bytes; expected GloVe's text"),
        (b"caf\xe9 1 0\n", r"glove\.txt is no UTF-8 text \(byte 3\).*Save it as UTF-8"),
        (b"PK\x03\x04" + bytes(99), r"glove\.txt is a zip archive; expected GloVe's text"),
        (b"<html>not found</html>", r"glove\.txt is an HTML page; expected GloVe's text"),
        (b"a" * 2**20 + b"\n", r"line 1 has over 1,048,576 bytes; .*another file"),
    ],
)
def test_what_is_no_such_text_is_named(tmp_path, content, says):
    file = tmp_path / "glove.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_word_vectors(file)


def test_marks_and_line_ends_of_other_systems_are_read(tmp_path):
    file = tmp_path / "glove.txt"
    file.write_bytes("\ufeffpolar 1 0\r\ncafé 0 1\r\n".encode())
    assert list(read_word_vectors(file)) == ["polar", "café"]
