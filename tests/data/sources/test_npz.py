import struct
import zipfile

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


LABELS = np.zeros(2, int)
IMAGES = np.zeros((2, 3, 3), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        (
            {"train_label": LABELS.astype(float)},
            r"train_label is float64, such as 0\.0; expected cla",
        ),
        (
            {"train_label": np.array(["cat", "dog"])},
            "train_label is <U3, such as 'cat'; expected cl",
        ),
        (
            {"train_label": LABELS + 10**9},
            "the label 1,000,000,000; expected numbers below 100",
        ),
        ({"train_label": LABELS - 1}, "label -1 of image 0 is out of range"),
        ({"test_label": LABELS + 10**9}, "the label 1,000,000,000; expected numbers below 100,000"),
        ({"train_image": np.zeros(2, "u1,u1")}, "train_image is an array of records"),
        (
            {"train_image": IMAGES.astype(complex)},
            "train_image is an array of complex128; expected",
        ),
        ({"train_image": IMAGES.astype("M8[s]")}, "train_image is an array of datetime64"),
        ({"train_image": IMAGES.astype(float)}, "images are float64 of shape"),
        ({"classes": np.zeros(2)}, "classes is float64 of shape .*expected a list of names"),
        ({"classes": ["a"]}, "label 1 of image 1 is out of range; expected 0 to 0"),
    ],
)
def test_arrays_of_other_kinds_are_named(archive, arrays, says):
    labels = np.array([0, 1])
    np.savez(archive, **{"train_image": IMAGES, "train_label": labels, **arrays})
    with pytest.raises(DataError, match=says):
        read(archive)


@pytest.mark.parametrize("dtype", ["<i8", ">i4", "u1", "<u8"])
def test_labels_of_every_whole_type_and_images_of_either_order(archive, dtype):
    images = np.asfortranarray(np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
    np.savez(archive, train_image=images, train_label=np.array([1, 0], dtype), classes=[b"a", b"b"])
    examples = read(archive)
    np.testing.assert_array_equal(examples.images[..., 0], images)
    assert (examples.labels.tolist(), examples.classes) == ([1, 0], ("a", "b"))


def members(file, method=zipfile.ZIP_DEFLATED, **contents):
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, content in contents.items():
            packed.writestr(f"{name}.npy", content)


def array(shape, descr="|u1", data=b""):
    """A member by the definition of NumPy's format, whatever its header says."""
    header = str({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((100_000, 1000, 1000), r"0 bytes where .* takes 100,000,000,000"),
        ((-1, 3), "has the shape"),
        ((2**62, 2**62), "0 bytes where"),
        ((0,), "images are uint8 of shape"),
    ],
)
def test_headers_are_not_believed(archive, shape, says):
    members(archive, train_image=array(shape), train_label=array((0,), "<i8"))
    with pytest.raises(DataError, match=says):
        read(archive)


def test_what_would_fill_memory_is_refused_before_it_does(archive, monkeypatch):
    monkeypatch.setattr("jtransfer.files.memory._SMALL", 1 << 20)
    zeros = bytes(3 << 20)  # packed into a thousandth
    members(archive, train_image=array((len(zeros),), data=zeros), train_label=array((0,), "<i8"))
    with pytest.raises(DataError, match=r"toys\.npz claims 3\.0 MiB of data in 3\.\d KiB on disk"):
        read(archive)


@pytest.mark.parametrize("large", [False, True])
def test_archives_of_very_many_members_are_refused_before_they_are_listed(archive, large):
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, *[0] * 7, 8, *[0] * 6)
    listed = b"".join(entry + b"%08d" % number for number in range(200_000))
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 9, 9, len(listed), 0, 0)
    if large:
        end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 9, 9, len(listed), 0)
        end += struct.pack("<IIQI", 0x07064B50, 0, len(listed), 1)
        end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 9, 9, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    archive.write_bytes(listed + end)
    with pytest.raises(DataError, match=r"members whose names alone take 10\.3 MiB"):
        read(archive)


def test_so_are_names_that_unpack_to_far_more_than_they_take(archive):
    np.savez_compressed(
        archive, train_image=IMAGES, train_label=[0, 1], classes=np.zeros(5_000_000, "U1")
    )
    with pytest.raises(DataError, match=r"classes claims 305\.2 MiB of data in"):
        read(archive)
    np.savez(archive, train_image=IMAGES, train_label=[0, 1], classes=np.arange(100_001))
    with pytest.raises(DataError, match="classes has 100,001 entries; expected at most 100,000"):
        read(archive)


def test_arrays_that_are_there_twice_are_refused(archive):
    with zipfile.ZipFile(archive, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("train_label.npy", array((2,), data=b"\x01\x01"))
    with pytest.raises(DataError, match=r"cannot be read \(train_label is there twice\)"):
        read(archive)


@pytest.mark.parametrize(
    ("method", "name"), [(zipfile.ZIP_LZMA, "LZMA"), (zipfile.ZIP_BZIP2, "bzip2")]
)
def test_members_packed_otherwise_are_named(archive, method, name):
    members(archive, method, train_image=array((1, 1, 1), data=b"a"), train_label=array((0,)))
    with pytest.raises(DataError, match=f"train_image is packed by {name}; expected what numpy"):
        read(archive)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>not found</html>", "is an HTML page"),
        (b"\x1f\x8b\x08" + bytes(9), "is a gzip file"),
        (b"", "is empty, 0 bytes"),
        (bytes(99), "cannot be read"),
    ],
)
def test_what_it_is_instead_is_named(archive, content, says):
    archive.write_bytes(content)
    with pytest.raises(DataError, match=rf"toys\.npz {says}.*; expected a whole \.npz archive"):
        read(archive)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "split", "shape"),
    [("mnist_m_test", "test", (9001, 32, 32, 3)), ("usps", "train", (7291, 16, 16, 1))],
)
def test_real_archives(data_root, name, split, shape):
    assert load(f"npz:{name}", split, data_root=data_root).images.shape == shape
