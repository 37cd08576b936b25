import numpy as np
import pytest

from jtransfer.data import DataError
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
    for name in ("a.webp", "b.txt", "LICENSE"):
        (root / "toys/yoyo" / name).touch()
    with pytest.raises(DataError, match=r"yoyo holds no image, only \.txt, \.webp, LICENSE; .*jpg"):
        load_folder("toys", root)


def test_a_folder_above_the_classes_is_told_apart(root):
    with pytest.raises(
        DataError, match=r"toys holds only folders, such as Ball; .*name the folder"
    ):
        load_folder(".", root)


@pytest.mark.slow
def test_real_caltech101(data_root):
    files = load_folder("caltech101", data_root)
    assert len(files) == 5975
    assert len(files.classes) == 101
    assert np.bincount(files.labels).max() == 80
