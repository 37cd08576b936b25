import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, load

TILES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
LINES = ("5,1", "0,3535", "9,3535", "1,3536", "2,3536", "7,4000")


def mosaic(tiles):
    """Tiles in two rows of three."""
    return np.concatenate([np.concatenate(list(row), axis=1) for row in (tiles[:3], tiles[3:])])


def write(folder, *, pixels=None, lines=LINES, header="label,photo"):
    """The two files in a folder named svhn10k; the root that it is in."""
    (folder / "svhn10k").mkdir(exist_ok=True)
    image = Image.fromarray(mosaic(TILES) if pixels is None else pixels)
    image.save(folder / "svhn10k" / "images.webp", lossless=True)
    (folder / "svhn10k" / "labels.csv").write_text("\n".join((header, *lines)) + "\n")
    return folder


def test_tiles_come_back_row_by_row_and_are_split_by_photograph(tmp_path):
    root = write(tmp_path)
    train, test = (load("tiles:svhn10k", split, data_root=root) for split in ("train", "test"))
    np.testing.assert_array_equal(train.images, TILES[:3])
    np.testing.assert_array_equal(test.images, TILES[3:])
    assert (train.labels.tolist(), test.labels.tolist()) == ([5, 0, 9], [1, 2, 7])
    assert train.classes == test.classes == tuple("0123456789")
    assert train.name == "tiles:svhn10k"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"lines": LINES[:5]}, r"images\.webp is 96x64 pixels, labels\.csv has 5 lines; expected"),
        ({"pixels": mosaic(TILES)[:60]}, r"is 96x60 pixels.*whole tiles of 32x32"),
        ({"lines": ("10,1", *LINES[1:])}, r"labels\.csv, line 2 has the label '10' and the photo"),
        ({"lines": (*LINES[:5], "7,")}, r"line 7 has the label '7' and the photo ''; expected"),
        ({"lines": ("5,²", *LINES[1:])}, "line 2 .*the number of a photograph"),
        ({"header": "digit,photo"}, r"has the columns \['digit', 'photo'\]; expected label, photo"),
        ({"lines": LINES[:3] * 2}, "the split is empty"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, content, says):
    root = write(tmp_path, **content)
    with pytest.raises(DataError, match=says):
        load("tiles:svhn10k", "test", data_root=root)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("images.webp", None, "is not there.*housenumbers.*JTRANSFER_DATA"),
        ("images.webp", b"\x89PNG\r\n\x1a\n" + bytes(40), "is a PNG image; expected .*WebP"),
        ("labels.csv", None, "is not there"),
        ("labels.csv", b"label,photo\n5,1,2\n", "line 2 has 3 cells, expected 2"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, name, content, says):
    file = write(tmp_path) / "svhn10k" / name
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}.*{says}"):
        load("tiles:svhn10k", "train", data_root=tmp_path)


def test_a_truncated_picture_is_named(tmp_path):
    file = write(tmp_path) / "svhn10k" / "images.webp"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"images\.webp cannot be read"):
        load("tiles:svhn10k", "train", data_root=tmp_path)


@pytest.mark.slow
def test_svhns_ten_thousand_are_7016_and_2984(data_root):
    parts = [load("tiles:svhn10k", split, data_root=data_root) for split in ("train", "test")]
    assert [len(part) for part in parts] == [7016, 2984]
    assert parts[0].labels[:6].tolist() == [5, 2, 1, 0, 6, 3]
