import os
import shutil

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, require_same_classes
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.folder import load_folder


@pytest.fixture
def root(tmp_path):
    for name in ("toys/kite/b.jpg", "toys/kite/a.JPEG", "toys/Ball/c.png", "toys/drum/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not read")
    return tmp_path


def test_one_folder_a_class_in_the_order_of_names(root):
    files = load_folder("toys", root)
    assert files.classes == ("Ball", "drum", "kite")
    assert [path.name for path in files.paths] == ["c.png", "d.jpg", "a.JPEG", "b.jpg"]
    np.testing.assert_array_equal(files.labels, [0, 1, 2, 2])
    assert files.name == "folder:toys"


def test_other_files_hidden_ones_and_deeper_folders_are_passed_over(root):
    (root / "toys/README.txt").touch()
    (root / "toys/kite/Thumbs.db").touch()
    (root / "toys/kite/._a.jpg").touch()
    (root / "toys/.cache").mkdir()
    (root / "toys/kite/more").mkdir()
    (root / "toys/kite/more/z.jpg").touch()
    (root / "toys/kite/folder.jpg").mkdir()
    assert len(load_folder("toys", root)) == 4


def test_clutter_is_left_out_unless_asked_for(root):
    (root / "toys/BACKGROUND_Google").mkdir()
    (root / "toys/BACKGROUND_Google/x.jpg").touch()
    assert "BACKGROUND_Google" not in load_folder("toys", root).classes
    assert load_folder("toys", root, without=("drum",)).classes == (
        "BACKGROUND_Google",
        "Ball",
        "kite",
    )


def test_a_missing_folder_says_where_it_was_looked_for_and_where_to_get_it(tmp_path):
    wanted = (
        r"found no folder .*caltech101; .*https://data\.caltech\.edu/records/mzrjq-6wc02 and "
        r"Caltech-256 at https://data\.caltech\.edu/records/nyy15-4j048: .*--data-root"
    )
    with pytest.raises(DataError, match=wanted):
        load_folder("caltech101", tmp_path)


def test_a_folder_without_classes_is_an_error(root):
    with pytest.raises(DataError, match=r"kite holds no folder of a class; expected .*<class>"):
        load_folder("toys/kite", root)


def test_an_empty_class_folder_is_named(root):
    (root / "toys/yoyo").mkdir()
    (root / "toys/yoyo/.DS_Store").touch()
    with pytest.raises(DataError, match=r"class folder .*yoyo is empty; expected at least one"):
        load_folder("toys", root)


def test_a_class_folder_without_images_is_named_with_what_it_holds(root):
    (root / "toys/yoyo").mkdir()
    for name in ("a.eps", "b.txt", "LICENSE"):
        (root / "toys/yoyo" / name).touch()
    with pytest.raises(DataError, match=r"yoyo holds no image, only \.eps, \.txt, LICENSE; .*jpg"):
        load_folder("toys", root)


def test_a_folder_above_the_classes_is_told_apart(root):
    with pytest.raises(
        DataError, match=r"toys holds only folders, such as Ball; .*name the folder"
    ):
        load_folder(".", root)


def test_every_kind_of_photograph_is_listed_whatever_the_case_of_its_suffix(root):
    (root / "toys/yoyo").mkdir()
    names = ["a.WebP", "b.bmp", "c.TIF", "d.tiff", "e.GIF", "f.avif", "g.JPG", "h.jPeG", "i.PNG"]
    for name in (*names, "j.ppm", "k.svg", "l.eps"):
        (root / "toys/yoyo" / name).touch()
    files = load_folder("toys", root)
    assert [path.name for path in files.paths if path.parent.name == "yoyo"] == names


def test_what_is_called_an_image_and_is_none_is_listed_for_its_reader_to_name(root):
    """Left out silently, a data set would shrink by the links that broke."""
    os.mkfifo(root / "toys/Ball/pipe.jpg")
    (root / "toys/Ball/gone.jpg").symlink_to(root / "nothing.jpg")
    (root / "toys/Ball/loop.jpg").symlink_to("loop.jpg")
    (root / "toys/Ball/folder.jpg").mkdir()
    files = load_folder("toys", root)
    assert [path.name for path in files.paths[:4]] == ["c.png", "gone.jpg", "loop.jpg", "pipe.jpg"]
    whole = root / "whole.jpg"
    Image.new("RGB", (9, 9)).save(whole)
    paths = (whole, *files.paths[1:4])
    listed = ImageFiles(paths, files.labels[:4], files.classes, files.name)
    batches = list(image_batches(listed, Crop(8, 8), on_unreadable="skip"))
    assert [rows.tolist() for rows, _ in batches] == [[0]]
    for position, cause in (
        (1, "is not there"),
        (2, "cannot be opened"),
        (3, "is a pipe, a socke"),
    ):
        with pytest.raises(DataError, match=rf"\.jpg {cause}.*on_unreadable='skip' leaves"):
            list(image_batches(listed.take(np.array([position])), Crop(8, 8)))


@pytest.mark.parametrize("target", ["nothing", "yoyo"])
def test_a_class_that_is_a_link_to_nothing_is_named(root, target):
    (root / "toys/yoyo").symlink_to(target)
    with pytest.raises(
        DataError, match=r"yoyo is a link to what is not there; expected the folder"
    ):
        load_folder("toys", root)


def test_names_of_any_bytes_are_classes_and_files(root):
    folder = root / "toys" / os.fsdecode(b"caf\xe9\nnoir")
    folder.mkdir()
    Image.new("RGB", (9, 9)).save(folder / "a.png")
    (folder / "a.png").rename(folder / os.fsdecode(b"\xff.png"))
    files = load_folder("toys", root).take(np.array([1]))
    assert files.classes[1] == folder.name
    ((rows, _),) = image_batches(files, Crop(8, 8))
    assert rows.tolist() == [0]
    assert len(files.fingerprint()) == 16


def test_a_name_that_no_folder_can_have_is_a_sentence(root):
    for what, cause in (("a" * 300, "File name too long"), ("a\0b", ".*embedded null")):
        with pytest.raises(DataError, match=f"cannot be listed .{cause}"):
            load_folder(what, root)
    with pytest.raises(DataError, match=r"a\.JPEG is a file; expected a folder"):
        load_folder("toys/kite/a.JPEG", root)


def test_classes_number_the_labels_of_two_folders_alike(root):
    """By their own folders class 0 here would be drum there."""
    train = load_folder("toys", root)
    (root / "test").mkdir()
    for name in ("drum", "kite"):
        shutil.copytree(root / "toys" / name, root / "test" / name)
    alone = load_folder("test", root)
    with pytest.raises(DataError, match=r"only folder:toys has \['Ball'\].*classes= in load"):
        require_same_classes(train, alone)
    test = load_folder("test", root, classes=train.classes)
    require_same_classes(train, test)
    assert test.classes == ("Ball", "drum", "kite")
    assert [path.parent.name for path in test.paths] == ["drum", "kite", "kite"]
    assert test.labels.tolist() == [1, 2, 2]
    assert test.take(np.array([2])).labels.tolist() == [2]


def test_a_folder_of_a_class_that_is_not_given_is_named(root):
    with pytest.raises(DataError, match=r"folder:toys has 1 classes that are not.*'Ball'"):
        load_folder("toys", root, classes=("drum", "kite", "yoyo"))


def test_clutter_counts_if_it_is_named_as_a_class(root):
    (root / "toys/257.clutter").mkdir()
    (root / "toys/257.clutter/x.jpg").touch()
    classes = ("Ball", "drum", "kite")
    assert len(load_folder("toys", root, classes=classes)) == 4
    assert len(load_folder("toys", root, classes=(*classes, "257.clutter"))) == 5


@pytest.mark.slow
def test_real_caltech101(data_root):
    files = load_folder("caltech101", data_root)
    assert len(files) == 5975
    assert len(files.classes) == 101
    assert np.bincount(files.labels).max() == 80
