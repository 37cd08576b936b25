import numpy as np
import pytest
from scipy.io import savemat

from jtransfer.data import DataError, load

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
LABELS = np.array([[10], [1], [9]], np.uint8)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "svhn").mkdir()
    path = tmp_path / "svhn" / "train_32x32.mat"
    savemat(path, {"X": PIXELS.transpose(1, 2, 3, 0), "y": LABELS}, do_compression=True)
    return path


def read(file):
    return load("mat:svhn", "train", data_root=file.parents[1])


def test_pixels_come_back_and_ten_is_zero(file):
    examples = read(file)
    np.testing.assert_array_equal(examples.images, PIXELS)
    assert examples.labels.tolist() == [0, 1, 9]
    assert examples.classes == tuple("0123456789")


def test_what_is_not_there_comes_with_its_address(file):
    with pytest.raises(DataError, match=r"test_32x32\.mat is not there.*housenumbers"):
        load("mat:svhn", "test", data_root=file.parents[1])


@pytest.mark.parametrize("keep", [0, 100, 200, 0.5, 0.99])
def test_a_truncated_file_is_named(file, keep):
    whole = file.read_bytes()
    file.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(DataError, match=r"train_32x32\.mat (cannot be read|has no|is empty)"):
        read(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"X": PIXELS}, "has no y; expected X"),
        ({"X": PIXELS.astype(float).transpose(1, 2, 3, 0), "y": LABELS}, "X is float64"),
        ({"X": PIXELS[..., 0], "y": LABELS}, r"X is uint8 of shape \(3, 32, 32\)"),
        ({"X": PIXELS.transpose(1, 2, 3, 0), "y": LABELS - 1}, "y holds .0.; expected 1 to 10"),
        ({"X": PIXELS.transpose(1, 2, 3, 0), "y": LABELS[:2]}, "3 images but 2 labels"),
    ],
)
def test_another_file_is_refused(file, content, says):
    savemat(file, content)
    with pytest.raises(DataError, match=says):
        read(file)


def test_what_is_no_matlab_file_is_refused(file):
    file.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(DataError, match=r"is an HTML page; expected a whole MATLAB file"):
        read(file)
