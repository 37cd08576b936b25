import pytest

from jtransfer.data import DataError
from jtransfer.data.intake.image_folder import image_folder
from tests.data.intake.folders import fill, label_names

FILES = {"pictures/a.png": None, "pictures/b.png": None, "pictures/c d.png": None}


def listed(root, text, name="labels.csv"):
    (root / name).write_text(text, encoding="utf-8")
    folder = image_folder(root / name)
    return dict(zip(folder.names, label_names(folder), strict=True)), folder


@pytest.mark.parametrize(
    "text",
    [
        "file,label\npictures/a.png,cat\npictures/b.png,dog\npictures/c d.png,cat\n",
        "pictures/a.png,cat\npictures/b.png,dog\npictures/c d.png,cat\n",
        "Label;File Name\ncat;pictures/a.png\n dog ;pictures/b.png\n\ncat;pictures/c d.png\n",
        "image\tclass\nPICTURES\\a.png\tcat\n".replace("PICTURES", "pictures")
        + "pictures/b.png\tdog\npictures/c d.png\tcat\n",
        "n,path,of,label\n0,pictures/a.png,x,cat\n1,pictures/b.png,x,dog\n2,pictures/c d.png,,cat",
    ],
    ids=["header", "no-header", "semicolons", "tabs", "more-columns"],
)
def test_files_and_labels_are_found_in_every_form(tmp_path, text):
    labels, folder = listed(fill(tmp_path, FILES), text)
    assert labels == {"pictures/a.png": "cat", "pictures/b.png": "dog", "pictures/c d.png": "cat"}
    assert folder.classes == ("cat", "dog")


def test_splits_missing_files_empty_labels_and_contradictions(tmp_path):
    text = (
        "file,label,split\npictures/a.png,cat,Training\npictures/b.png,,test\n"
        "pictures/z.png,cat,test\npictures/a.png,dog,test\npictures/a.png,cat,train\n"
    )
    labels, folder = listed(fill(tmp_path, FILES), text)
    assert labels == {"pictures/a.png": "cat", "pictures/b.png": ""}
    assert sorted(folder.splits.tolist()) == ["test", "train"]
    assert folder.passed_over == {
        "named in the csv again, with another label": ("pictures/a.png",),
        "named in the csv, and not there": ("pictures/z.png",),
    }
    assert folder.notes == ("files and labels are from labels.csv, columns file, label, split",)


def test_a_csv_beside_the_images_is_pointed_to(tmp_path):
    fill(tmp_path, {"a.png": None, "labels.csv": b"file,label\na.png,cat\n"})
    assert image_folder(tmp_path).notes == (
        "labels.csv lies beside the images: if it holds their labels, name it instead",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,label\nx.png,cat\n", "names 1 files, such as x.png, and none is there; expected f"),
        ("file\na.png\n", "has one column; expected two, of files and labels"),
        ("file,one,two\npictures/a.png,x,y\n", "columns file, one, two; expected one called label"),
        ("file,label\npictures/a.png\n", "line 2 has 1 cells, expected 2"),
        ("", "is empty, 0 bytes"),
    ],
)
def test_what_is_no_such_csv_is_a_sentence(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        listed(fill(tmp_path, FILES), text)
