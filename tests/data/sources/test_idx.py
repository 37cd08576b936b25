import gzip

import numpy as np
import pytest

from jtransfer.data import DataError, load


def idx(array):
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    there = tmp_path / "mnist"
    there.mkdir()
    images = np.arange(3 * 2 * 2).reshape(3, 2, 2)
    (there / "train-images-idx3-ubyte").write_bytes(idx(images))
    (there / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([7, 0, 9]))))
    return there


def read(folder):
    return load("idx:mnist", "train", data_root=folder.parent)


def test_plain_and_compressed_files_are_read(folder):
    examples = read(folder)
    np.testing.assert_array_equal(examples.images[1, :, :, 0], [[4, 5], [6, 7]])
    np.testing.assert_array_equal(examples.labels, [7, 0, 9])
    assert examples.classes == tuple("0123456789")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[:-3], "holds 9 bytes of data; expected 12 .*truncated"),
        (lambda whole: whole[:9], "truncated or damaged"),
        (lambda whole: b"\x90PNG" + whole, "begins with 90 50 4e 47; expected 00 00 08 03"),
        (lambda whole: b"", "is empty, 0 bytes; expected an IDX file"),
    ],
)
def test_a_damaged_file_is_named(folder, content, message):
    file = folder / "train-images-idx3-ubyte"
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(DataError, match=f"train-images-idx3-ubyte .*{message}"):
        read(folder)


def test_a_truncated_gzip_file_is_named(folder):
    file = folder / "train-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"ubyte\.gz cannot be read \(Compressed file ended.*fetch"):
        read(folder)


def test_a_missing_file_says_what_was_looked_for_and_where(folder):
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte nor .*\.gz in .*mnist; .*root"):
        load("idx:mnist", "test", data_root=folder.parent)


def test_images_and_labels_of_different_length(folder):
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([7, 0]))))
    with pytest.raises(DataError, match="idx:mnist: 3 images but 2 labels"):
        read(folder)


@pytest.mark.slow
def test_mnist_itself(data_root):
    for split, count, first in (("train", 60_000, 5), ("test", 10_000, 7)):
        examples = load("idx:mnist", split, data_root=data_root)
        assert examples.images.shape == (count, 28, 28, 1)
        assert examples.labels[0] == first
