import pytest

from jtransfer.data import DataError, load
from jtransfer.data.loading import load_files


@pytest.mark.parametrize("name", ["sklearn:digit", "minst", "idx:", "mnist:idx"])
def test_an_unknown_source_names_what_is_known(name):
    with pytest.raises(DataError, match=f"unknown data source '{name}'.*idx:<folder>.*mean"):
        load(name, "train")


def test_the_closest_name_is_proposed():
    with pytest.raises(DataError, match="Did you mean sklearn:digits"):
        load("sklearn:digit", "train")


def test_an_unknown_split_is_an_error():
    with pytest.raises(DataError, match="split 'validation' of sklearn:digits"):
        load("sklearn:digits", "validation")


def test_the_data_root_comes_from_the_argument_then_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("JTRANSFER_DATA", str(tmp_path / "environment"))
    with pytest.raises(DataError, match="environment/toys"):
        load("npz:toys", "train")
    with pytest.raises(DataError, match="argument/toys"):
        load("npz:toys", "train", data_root=tmp_path / "argument")
    monkeypatch.delenv("JTRANSFER_DATA")
    with pytest.raises(DataError, match=r"data/toys\.npz is not there"):
        load("npz:toys", "train")


def test_a_stored_set_can_be_thinned_by_seed():
    whole = load("sklearn:digits", "train")
    one, again, other = (load("sklearn:digits", "train", size=50, seed=seed) for seed in (0, 0, 1))
    assert len(one) == 50
    assert one.fingerprint() == again.fingerprint() != other.fingerprint()
    assert {image.tobytes() for image in one.images} <= {image.tobytes() for image in whole.images}


def test_a_folder_of_images_is_listed_and_not_loaded(tmp_path):
    (tmp_path / "toys/kite").mkdir(parents=True)
    (tmp_path / "toys/kite/a.jpg").touch()
    files = load_files("folder:toys", data_root=tmp_path)
    assert (files.name, files.classes, len(files)) == ("folder:toys", ("kite",), 1)
    with pytest.raises(DataError, match=r"folder:toys has images of many sizes.*load_files"):
        load("folder:toys", "train", data_root=tmp_path)
    with pytest.raises(DataError, match=r"split 'train' of folder:toys, which has none"):
        load_files("folder:toys", "train", data_root=tmp_path)


@pytest.mark.parametrize("name", ["folder:", "npz:usps", "caltech101"])
def test_only_a_folder_can_be_listed(name):
    with pytest.raises(DataError, match=f"'{name}' names no folder.*folder:caltech101"):
        load_files(name)


def test_classes_number_the_labels_of_folders_and_arrays(tmp_path):
    for name in ("train/a", "train/b", "train/c", "test/b", "test/c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.jpg").touch()
    train = load_files("folder:train", data_root=tmp_path)
    test = load_files("folder:test", data_root=tmp_path, classes=train.classes)
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2], [1, 2])
    with pytest.raises(DataError, match=r"folder:train has 1 classes that are not among .*'c'"):
        load_files("folder:train", data_root=tmp_path, classes=("a", "b"))
    own = load("sklearn:digits", "test", size=20)
    other = load("sklearn:digits", "test", size=20, classes=[*own.classes[::-1], "ten"])
    assert other.labels.tolist() == (9 - own.labels).tolist()
    assert len(other.classes) == 11
