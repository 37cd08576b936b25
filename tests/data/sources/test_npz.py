import numpy as np
import pytest

from jtransfer.data import DataError, load


@pytest.fixture
def archive(tmp_path):
    arrays = {
        "train_image": np.arange(2 * 3 * 3 * 3).reshape(2, 3, 3, 3).astype(np.uint8),
        "train_label": np.array([1, 0], np.uint8),
        "test_image": np.zeros((1, 3, 3), np.uint8),
        "test_label": np.array([2], np.uint8),
    }
    np.savez(tmp_path / "toys.npz", **arrays)
    return tmp_path / "toys.npz"


def read(archive, split="train"):
    return load(f"npz:{archive.stem}", split, data_root=archive.parent)


def test_images_labels_and_the_classes_of_all_splits(archive):
    train, test = read(archive), read(archive, "test")
    np.testing.assert_array_equal(train.images[1, 2, 2], [51, 52, 53])
    assert test.images.shape == (1, 3, 3, 1)
    assert train.classes == test.classes == ("0", "1", "2")


def test_classes_may_be_named(archive):
    with np.load(archive) as old:
        np.savez(archive, classes=["a", "b", "c"], **old)
    assert read(archive).classes == ("a", "b", "c")


def test_a_missing_archive_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"usps\.npz is not there; .*train_image.*--data-root"):
        load("npz:usps", "train", data_root=tmp_path)


@pytest.mark.parametrize("keep", [0.4, 0.9])
def test_a_truncated_archive_is_named(archive, keep):
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(DataError, match=r"toys\.npz cannot be read .*fetch it again"):
        read(archive)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (6, r"cannot be read .*fetch it again"),
        (8, "train_image is encrypted; .*save it anew"),
        (10, r"cannot be read .*unknown method 255.*fetch it again"),
    ],
    ids=["version", "flags", "method"],
)
def test_an_archive_with_a_damaged_directory_is_named(archive, field, says):
    """Each field of the zip directory's first entry makes zipfile give up in its own way."""
    damaged = bytearray(archive.read_bytes())
    damaged[damaged.index(b"PK\x01\x02") + field] ^= 0xFF
    archive.write_bytes(damaged)
    with pytest.raises(DataError, match=rf"toys\.npz.* {says}"):
        read(archive)


def test_a_lone_array_is_no_archive(archive):
    with archive.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(DataError, match=r"toys\.npz is a NumPy array; .*archive of plain arrays"):
        read(archive)


def test_a_missing_array_is_named_with_what_is_there(archive):
    np.savez(archive, train_image=np.zeros((1, 2, 2), np.uint8), y=np.zeros(1, int))
    with pytest.raises(DataError, match=r"no train_label; it holds \['train_image', 'y'\]"):
        read(archive)


def test_pickles_are_not_executed(archive):
    np.savez(archive, train_image=np.array([object()]), train_label=np.zeros(1, int))
    with pytest.raises(DataError, match="train_image is an array of objects, which is a pickle;"):
        read(archive)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "split", "shape"),
    [("mnist_m_test", "test", (9001, 32, 32, 3)), ("usps", "train", (7291, 16, 16, 1))],
)
def test_real_archives(data_root, name, split, shape):
    assert load(f"npz:{name}", split, data_root=data_root).images.shape == shape
