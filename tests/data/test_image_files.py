import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.image_files import ImageFiles

CLASSES = ("cat", "dog")


def image_files(folder=Path("pets"), labels=(0, 1, 1), *, classes=CLASSES, count=None):
    paths = tuple(folder / f"{n}.jpg" for n in range(len(labels) if count is None else count))
    return ImageFiles(paths, np.array(labels, np.int64), classes, "pets")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pets"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(bytes([number]) * 10)
    return folder


def test_labels_become_int32_and_files_are_counted():
    assert image_files().labels.dtype == np.int32
    assert len(image_files()) == 3


def test_take_keeps_order_and_pairs():
    taken = image_files().take(np.array([2, 0]))
    assert [path.name for path in taken.paths] == ["2.jpg", "0.jpg"]
    np.testing.assert_array_equal(taken.labels, [1, 0])


def test_an_image_may_have_several_labels():
    made = image_files(labels=((1, -1), (0, 1), (-1, -1)))
    assert made.labels.dtype == np.int32
    np.testing.assert_array_equal(made.take(np.array([1, 0])).labels, [[0, 1], [1, -1]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: image_files(labels=((1, -1, 0),)), r"labels of shape \(1, 3\) for 2 classes"),
        (
            lambda: image_files(labels=((1, -1), (0, 2))),
            r"label 2 of pets/1\.jpg for dog; expected 1",
        ),
        (lambda: image_files(labels=(((1,),),)), r"labels are int64 of shape \(1, 1, 1\)"),
        (
            lambda: image_files(labels=(0, 2, 1)),
            r"label 2 of pets/1\.jpg is out of range; .*0 to 1",
        ),
        (lambda: image_files(labels=(0, -1)), r"label -1 of pets/1\.jpg is out of range"),
        (lambda: image_files(labels=(0, 1), count=3), "3 files but 2 labels; expected as many"),
        (lambda: image_files(labels=()), "there are no files; expected at least one"),
        (
            lambda: ImageFiles((Path("a.jpg"),), np.zeros(1), CLASSES, "pets"),
            "labels are float64",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(make, message):
    with pytest.raises(DataError, match=f"pets: {message}"):
        make()


def test_the_fingerprint_changes_with_every_part(folder):
    made = image_files(folder)
    first = made.fingerprint()
    others = [
        image_files(folder, (0, 1, 0)),
        image_files(folder, classes=("cat", "fox")),
        ImageFiles(made.paths[::-1], made.labels, CLASSES, "pets"),
        made.take(np.array([0, 1])),
        image_files(folder, ((1, -1), (-1, 1), (-1, 1))),
        image_files(folder, ((1, -1), (-1, 1), (0, 1))),
    ]
    prints = {first, *(other.fingerprint() for other in others)}
    (folder / "1.jpg").write_bytes(bytes(10))
    prints.add(made.fingerprint())
    assert len(prints) == 8
    assert len(first) == 16


def test_the_fingerprint_stays_when_the_folder_moves(folder):
    before = image_files(folder).fingerprint()
    moved = shutil.move(folder, folder.parent / "elsewhere")
    assert image_files(moved).fingerprint() == before


def test_the_border_between_files_counts(folder):
    """The same bytes in a row, cut at another place."""
    before = image_files(folder).fingerprint()
    (folder / "0.jpg").write_bytes(bytes(10) + bytes([1]))
    (folder / "1.jpg").write_bytes(bytes([1]) * 9)
    assert image_files(folder).fingerprint() != before


def test_a_file_that_went_missing_is_named(folder):
    made = image_files(folder)
    (folder / "1.jpg").unlink()
    with pytest.raises(DataError, match=r"1\.jpg is not there; expected every file of pets"):
        made.fingerprint()


def test_a_pipe_is_no_file_to_read_a_fingerprint_of(folder):
    (folder / "1.jpg").unlink()
    os.mkfifo(folder / "1.jpg")
    with pytest.raises(DataError, match=r"1\.jpg is a pipe, a socket or a device, no file"):
        image_files(folder).fingerprint()


def test_a_name_with_a_zero_byte_is_refused():
    """Worker processes are sent the names with zero bytes between them."""
    with pytest.raises(DataError, match=r"pets: 'a\\x00b\.jpg' has a zero byte in it"):
        ImageFiles((Path("a\0b.jpg"), Path("c.jpg")), np.zeros(2, int), CLASSES, "pets")


def test_other_classes_number_the_labels_by_name():
    made = image_files(labels=(0, 1, 1)).with_classes(["dog", "ape", "cat"])
    assert made.classes == ("dog", "ape", "cat")
    assert made.labels.tolist() == [2, 0, 0]


def test_of_several_labels_the_columns_move_and_a_new_class_is_not_judged():
    made = image_files(labels=((1, -1), (0, 1), (-1, -1))).with_classes(("dog", "ape", "cat"))
    np.testing.assert_array_equal(made.labels, [[-1, 0, 1], [1, 0, 0], [-1, 0, -1]])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("cat",), "pets has 1 classes that are not among the 1 given, such as 'dog'; expected"),
        (
            ("cat", "dog", "cat"),
            "classes for pets are .*, with cat twice; expected a list",
        ),
        ("catdog", "classes for pets are 'catdog'; expected a list of names"),
    ],
)
def test_classes_that_do_not_fit_are_named(classes, message):
    with pytest.raises(DataError, match=message):
        image_files().with_classes(classes)
