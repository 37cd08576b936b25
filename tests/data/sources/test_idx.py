import gzip
import os
import struct

import numpy as np
import pytest

from jtransfer.data import DataError, load
from jtransfer.data.sources.idx import read_idx


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


def test_sizes_are_refused_before_memory_is_taken(folder):
    """Zeros of 2.9 GB that gzip packs into a thousandth, with and without a header."""
    file = folder / "train-images-idx3-ubyte"
    file.rename(folder / "elsewhere")
    packed = folder / "train-images-idx3-ubyte.gz"
    zeros = bytes(10**6)
    packed.write_bytes(gzip.compress(zeros))
    with pytest.raises(DataError, match=r"\.gz begins with 00 00 00 00; expected 00 00 08 03"):
        read(folder)
    packed.write_bytes(gzip.compress(idx(np.zeros((0, 54_000, 54_000))) + zeros))
    with pytest.raises(DataError, match=r"\.gz holds more than 0 bytes of data; expected 0 for"):
        read(folder)
    header = bytes((0, 0, 8, 3)) + np.array([1, 54_000, 54_000], ">u4").tobytes()
    packed.write_bytes(gzip.compress(header + zeros))
    with pytest.raises(DataError, match=r"\.gz claims 2\.7 GiB of data in 1015 bytes on disk"):
        read(folder)
    file.write_bytes(b"".join([header, zeros]))
    with pytest.raises(DataError, match=r"ubyte claims 2\.7 GiB of data in 976\.6 KiB on disk"):
        read(folder)


def test_what_it_is_instead_is_named(folder):
    file = folder / "train-images-idx3-ubyte"
    whole = file.read_bytes()
    for content, says in (
        (gzip.compress(whole), "is a gzip file; expected 00 00 08 03"),
        (b"<!DOCTYPE html><html>not found</html>", "is an HTML page; expected"),
        (idx(np.zeros(12)), "begins with 00 00 08 01; expected 00 00 08 03"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=f"images-idx3-ubyte {says}"):
            read(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(DataError, match="images-idx3-ubyte is a folder; expected an IDX file"):
        read(folder)
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(DataError, match="images-idx3-ubyte is a pipe, a socket or a device"):
        read(folder)


@pytest.mark.slow
def test_mnist_itself(data_root):
    for split, count, first in (("train", 60_000, 5), ("test", 10_000, 7)):
        examples = load("idx:mnist", split, data_root=data_root)
        assert examples.images.shape == (count, 28, 28, 1)
        assert examples.labels[0] == first


def test_no_image_of_sides_that_no_array_has_is_damage(tmp_path):
    file = tmp_path / "images"
    file.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 0, 2**32 - 1, 2**32 - 1))
    with pytest.raises(DataError, match=r"images cannot be read \(array is too big"):
        read_idx(file, dimensions=3)
