"""VOC's layout, written here: the published images are at hand only where they were unpacked."""

import os
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, load
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.loading import load_files
from jtransfer.data.sources.voc import CLASSES, load_voc
from tests.files.damage import damaged, survive

IMAGES = ("000012", "000007", "2008_000003")


@pytest.fixture
def root(tmp_path):
    """Three images: of a person, of a person and a difficult car, of nothing."""
    folder = tmp_path / "VOCdevkit/VOC2007"
    (folder / "ImageSets/Main").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    signs = {name: (-1, -1, -1) for name in CLASSES} | {"person": (1, 1, -1), "car": (-1, 0, -1)}
    for name, values in signs.items():
        lines = [f"{image} {sign:2d}\n" for image, sign in zip(IMAGES, values, strict=True)]
        (folder / f"ImageSets/Main/{name}_trainval.txt").write_text("".join(lines))
        (folder / f"ImageSets/Main/{name}_val.txt").write_text(lines[1])
    (folder / "ImageSets/Main/trainval.txt").write_text("\n".join(IMAGES))
    for number, image in enumerate(IMAGES):
        picture = Image.new("RGB", (10 + number, 8), (100 * number, 0, 0))
        picture.save(folder / f"JPEGImages/{image}.jpg")
    return tmp_path


@pytest.fixture
def folder(root):
    return root / "VOCdevkit/VOC2007"


def list_of(folder, name):
    return folder / f"ImageSets/Main/{name}_trainval.txt"


def test_images_labels_and_classes_come_back(root):
    files = load_voc("VOC2007", "trainval", root)
    assert [path.stem for path in files.paths] == list(IMAGES)
    assert files.classes == CLASSES
    expected = np.full((3, 20), -1)
    expected[:2, CLASSES.index("person")] = 1
    expected[1, CLASSES.index("car")] = 0
    np.testing.assert_array_equal(files.labels, expected)
    assert files.name == "voc:VOC2007"


def test_a_split_is_named_beside_the_source(root):
    files = load_files("voc:VOC2007", "val", data_root=root)
    assert [path.name for path in files.paths] == ["000007.jpg"]
    assert files.labels.shape == (1, 20)
    with pytest.raises(DataError, match=r"voc:VOC2007 has splits, and none was given"):
        load_files("voc:VOC2007", data_root=root)
    with pytest.raises(DataError, match=r"voc:VOC2007 has images of many sizes.*load_files"):
        load("voc:VOC2007", "test", data_root=root)


def test_its_images_are_read_like_others(root):
    files = load_voc("VOC2007", "trainval", root)
    ((rows, images),) = image_batches(files, Crop(8, 8))
    assert rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(images[:, 4, 4, 0], [0, 100, 200], atol=2)


def test_classes_are_the_published_ones():
    assert len(CLASSES) == 20
    assert sorted(CLASSES) == list(CLASSES)


def test_the_order_of_lines_and_empty_ones_do_not_matter(root, folder):
    before = load_voc("VOC2007", "trainval", root).labels
    lines = list_of(folder, "car").read_text().splitlines()
    list_of(folder, "car").write_text("\r\n".join([*lines[::-1], "", ""]))
    np.testing.assert_array_equal(load_voc("VOC2007", "trainval", root).labels, before)


@pytest.mark.parametrize("missing", ["ImageSets/Main", "JPEGImages"])
def test_a_missing_folder_says_where_to_get_it(root, folder, missing):
    (folder / missing).rename(root / "elsewhere")
    wanted = (
        rf"found no folder .*VOC2007/{missing}; .*VOCtrainval_06-Nov-2007\.tar.*"
        r"http://host\.robots\.ox\.ac\.uk/pascal/VOC/voc2007/.*tar -xf ARCHIVE -C .*--data-root"
    )
    with pytest.raises(DataError, match=wanted):
        load_voc("VOC2007", "trainval", root)


def test_a_missing_split_names_those_that_are_there(root):
    with pytest.raises(
        DataError, match=r"no .*aeroplane_test\.txt; .*'test'.*\['trainval', 'val'\].*VOCtest"
    ):
        load_voc("VOC2007", "test", root)


def test_a_missing_list_is_named(root, folder):
    list_of(folder, "sofa").unlink()
    with pytest.raises(DataError, match=r"found no .*sofa_trainval\.txt; .*are of \['val'\]"):
        load_voc("VOC2007", "trainval", root)


def test_an_image_that_is_not_there_is_named(root, folder):
    (folder / "JPEGImages/000007.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 3 images .* the first .*JPEGImages/000007\.jpg"):
        load_voc("VOC2007", "trainval", root)


@pytest.mark.parametrize(
    "line",
    [
        "000099",
        "000099 2",
        "000099 1 1",
        "\0 1",
        "../../x 1",
        "/etc/x 1",
        "..\\x 1",
        ".. 1",
        "9" * 10**6,
    ],
    ids=lambda line: line[:9],
)
def test_a_malformed_line_is_named(root, folder, line):
    with list_of(folder, "dog").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(
        DataError, match=r"dog_trainval\.txt, line 4 is .*expected the name"
    ) as said:
        load_voc("VOC2007", "trainval", root)
    assert len(str(said.value)) < 600


def test_an_image_named_twice_is_an_error(root, folder):
    with list_of(folder, "dog").open("a") as file:
        file.write("000012 1\n")
    with pytest.raises(DataError, match=r"dog_trainval\.txt, line 4 names 000012 again; expected"):
        load_voc("VOC2007", "trainval", root)


def test_what_is_no_list_of_text_is_named_with_its_cause(root, folder):
    file = list_of(folder, "dog")
    file.write_bytes(b"000012 -1\n\xff\xfe 1\n")
    with pytest.raises(
        DataError, match=r"dog_trainval\.txt is no UTF-8 text \(byte 10\); expected"
    ):
        load_voc("VOC2007", "trainval", root)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DataError, match=r"dog_trainval\.txt is a pipe, a socket or a device"):
        load_voc("VOC2007", "trainval", root)
    file.unlink()
    file.mkdir()
    with pytest.raises(DataError, match=r"dog_trainval\.txt is a folder; expected a list"):
        load_voc("VOC2007", "trainval", root)


def _load_with_a_list(root, content):
    list_of(root / "VOCdevkit/VOC2007", "aeroplane").write_bytes(content)
    load_voc("VOC2007", "trainval", root)


def test_sixty_damages_of_a_list_give_labels_or_a_sentence(root, folder):
    for _, content in damaged(list_of(folder, "aeroplane").read_bytes(), 60, seed=0):
        with suppress(DataError):
            _load_with_a_list(root, content)


@pytest.mark.slow
def test_a_thousand_damages_of_a_list(root, folder):
    intact = list_of(folder, "aeroplane").read_bytes()
    outcome = survive(partial(_load_with_a_list, root), intact, 1000, error=DataError)
    assert not outcome.faults
    assert outcome.refused > 500


def test_lists_of_different_images_are_named(root, folder):
    with list_of(folder, "dog").open("a") as file:
        file.write("000099  1\n")
    wanted = r"only one of aeroplane_trainval\.txt and dog_trainval\.txt .* image 000099"
    with pytest.raises(DataError, match=wanted):
        load_voc("VOC2007", "trainval", root)


def test_lists_without_images(root, folder):
    for name in CLASSES:
        list_of(folder, name).write_text("")
    with pytest.raises(DataError, match="voc:VOC2007: there are no files"):
        load_voc("VOC2007", "trainval", root)


@pytest.mark.slow
def test_real_voc2007(data_root):
    if not (data_root / "VOCdevkit/VOC2007").is_dir():
        pytest.skip("needs VOC2007: unpack its two archives below JTRANSFER_DATA")
    # Everingham et al., the table of VOC2007's statistics: images a split.
    for split, count in (("train", 2501), ("val", 2510), ("trainval", 5011), ("test", 4952)):
        assert len(load_voc("VOC2007", split, data_root)) == count
