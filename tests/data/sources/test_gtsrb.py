import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, load
from jtransfer.data.sources.gtsrb import SIDE

HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"


def write(folder, table, files):
    """Images of one grey each, `files` {name: (side, grey, class)}, and their table."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [HEADER]
    for name, (side, grey, label) in files.items():
        Image.new("RGB", (side, side + 2), (grey, grey, grey)).save(folder / name)
        lines.append(f"{name};{side};{side + 2};5;5;{side - 5};{side - 5};{label}")
    table.write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path):
    """Two classes, of three tracks of four frames and of two; the grey of an image is its track."""
    base = tmp_path / "GTSRB"
    for label, tracks in ((0, 3), (42, 2)):
        folder = base / "Final_Training" / "Images" / f"{label:05d}"
        files = {
            f"{track:05d}_{frame:05d}.ppm": (15 + 9 * frame, 10 * track + label, label)
            for track in range(tracks)
            for frame in range(4)
        }
        write(folder, folder / f"GT-{label:05d}.csv", files)
    images = base / "Final_Test" / "Images"
    tests = {"00000.ppm": (30, 200, 7), "00001.ppm": (60, 100, 42)}
    write(images, base / "GT-final_test.csv", tests)
    return tmp_path


def test_the_official_split(root):
    train = load("gtsrb:GTSRB", "train", data_root=root)
    test = load("gtsrb:GTSRB", "test", data_root=root)
    assert train.images.shape == (20, SIDE, SIDE, 3)
    assert np.bincount(train.labels)[[0, 42]].tolist() == [12, 8]
    assert train.classes == test.classes == tuple(str(number) for number in range(43))
    assert test.labels.tolist() == [7, 42]
    assert test.images[:, 3, 3, 0].tolist() == [200, 100]


def test_labels_of_the_test_images_may_lie_beside_them(root):
    table = root / "GTSRB" / "GT-final_test.csv"
    table.rename(root / "GTSRB" / "Final_Test" / "Images" / table.name)
    assert len(load("gtsrb:GTSRB", "test", data_root=root)) == 2


def test_no_track_is_on_both_sides(root):
    halves = [load("gtsrb_tracks:GTSRB", split, data_root=root) for split in ("train", "test")]
    tracks = [
        list(zip(half.labels.tolist(), half.images[:, 0, 0, 0].tolist(), strict=True))
        for half in halves
    ]
    assert set(tracks[0]).isdisjoint(tracks[1])
    # One track of three, one of two, four frames each.
    assert (len(tracks[0]), len(tracks[1])) == (12, 8)
    assert {label for label, _ in tracks[1]} == {0, 42}


def test_what_is_not_there_is_named(root):
    with pytest.raises(DataError, match=r"found no table .*GT-00000\.csv.*benchmark"):
        load("gtsrb:elsewhere", "train", data_root=root)
    with pytest.raises(DataError, match=r"found no GT-final_test\.csv"):
        load("gtsrb:elsewhere", "test", data_root=root)
    (root / "GTSRB/Final_Test/Images/00001.ppm").unlink()
    with pytest.raises(DataError, match=r"00001\.ppm is not there; expected a whole PPM"):
        load("gtsrb:GTSRB", "test", data_root=root)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty, 0 bytes"),
        (f"{HEADER}\n", "lists no image"),
        ("Filename,ClassId\na.ppm,1\n", r"has the columns \['Filename,ClassId'\]"),
        (f"{HEADER}\n00000.ppm;30;32;5;5;25;25", "line 2 has 7 cells, expected 8"),
        (f"{HEADER}\n../00000.ppm;30;32;5;5;25;25;1", "line 2: '../00000.ppm' is no plain name"),
        (f"{HEADER}\n00000.ppm;30;32;5;5;25;25;43", "line 2 has the class '43'; expected 0 to 42"),
        (f"{HEADER}\n00000.ppm;30;32;5;5;25;25;-1", "line 2 has the class '-1'; expected 0 to 42"),
    ],
)
def test_another_or_a_truncated_table_is_named(root, content, says):
    table = root / "GTSRB" / "GT-final_test.csv"
    table.write_text(content)
    with pytest.raises(DataError, match=rf"GT-final_test\.csv,? {says}"):
        load("gtsrb:GTSRB", "test", data_root=root)


def test_a_truncated_image_is_named(root):
    file = root / "GTSRB/Final_Training/Images/00000/00001_00002.ppm"
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(DataError, match=r"00001_00002\.ppm cannot be read .*truncated or damaged"):
        load("gtsrb:GTSRB", "train", data_root=root)
    Image.new("RGB", (20, 20)).save(file, format="PNG")
    with pytest.raises(DataError, match=r"00001_00002\.ppm is a PNG image; expected a whole PPM"):
        load("gtsrb:GTSRB", "train", data_root=root)


def test_files_that_do_not_say_their_track_cannot_be_split_by_it(root):
    folder = root / "GTSRB/Final_Training/Images/00000"
    write(folder, folder / "GT-00000.csv", {"stop.ppm": (20, 1, 0)})
    with pytest.raises(DataError, match=r"stop\.ppm does not say its track"):
        load("gtsrb_tracks:GTSRB", "test", data_root=root)


@pytest.mark.slow
def test_real_signs_at_32_pixels(data_root):
    train = load("npz:gtsrb32", "train", data_root=data_root)
    assert train.images.shape == (13070, 32, 32, 3)
    assert train.classes == tuple(str(number) for number in range(43))


def test_an_image_that_is_listed_twice_is_refused(root):
    table = root / "GTSRB" / "GT-final_test.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[-1].rsplit(";", 1)[0] + ";7"]) + "\n")
    with pytest.raises(DataError, match=r"line 4 lists 00001\.ppm again; expected every image"):
        load("gtsrb:GTSRB", "test", data_root=root)


def test_a_folder_that_cannot_be_listed_is_told_by_its_cause(tmp_path):
    with pytest.raises(DataError, match="File name too long"):
        load(f"gtsrb:{'a' * 300}", "train", data_root=tmp_path)
