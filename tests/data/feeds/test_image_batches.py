import multiprocessing
import os

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb

CROP = Crop(resize=12, size=8)
BAD = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten images of noise of different sizes and kinds, and one that is cut."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    for number in range(10):
        noise = random.integers(256, size=(20 + number, 30 - number, 3), dtype=np.uint8)
        kind = "png" if number % 3 == 0 else "jpg"
        Image.fromarray(noise).convert("RGB" if number % 2 else "L").save(
            folder / f"{number}.{kind}"
        )
    (folder / "cut.jpg").write_bytes((folder / "1.jpg").read_bytes()[:400])
    return folder


@pytest.fixture
def files(folder):
    paths = tuple(sorted(path for path in folder.iterdir() if path.name != "cut.jpg"))
    return ImageFiles(paths, np.arange(10), tuple("abcdefghij"), "noise")


@pytest.fixture
def damaged(files, folder):
    """The same files with the cut one in the place of the sixth."""
    paths = (*files.paths[:BAD], folder / "cut.jpg", *files.paths[BAD + 1 :])
    return ImageFiles(paths, files.labels, files.classes, "noise")


def rows_of(batches):
    return [rows.tolist() for rows, _ in batches]


def assert_equal_batches(some, others):
    for (rows, images), (other_rows, other_images) in zip(some, others, strict=True):
        np.testing.assert_array_equal(rows, other_rows)
        np.testing.assert_array_equal(images, other_images)


def test_images_come_in_the_order_of_the_files(files):
    batches = list(image_batches(files, CROP, batch=4))
    assert rows_of(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    one_by_one = np.stack([CROP(read_rgb(path)) for path in files.paths])
    np.testing.assert_array_equal(np.concatenate([images for _, images in batches]), one_by_one)


def test_ten_views_keep_their_axis(files):
    _, images = next(image_batches(files, Crop(12, 8, views=10), batch=3))
    assert images.shape == (3, 10, 8, 8, 3)
    assert images.dtype == np.uint8


def test_worker_processes_change_nothing(damaged, capsys):
    """Bit for bit, damage and the line about it included; and nothing stays behind."""
    here = list(image_batches(damaged, CROP, batch=3, on_unreadable="skip"))
    line = capsys.readouterr().err
    there = list(image_batches(damaged, CROP, batch=3, workers=2, on_unreadable="skip"))
    assert capsys.readouterr().err == line != ""
    assert_equal_batches(here, there)
    assert {type(array) for batch in there for array in batch} == {np.ndarray}
    assert multiprocessing.active_children() == []


def test_workers_end_with_a_reader_that_stops_early(damaged):
    """One worker for the one batch left, whatever is asked for."""
    batches = image_batches(damaged, CROP, batch=3, workers=40, start=BAD + 2)
    rows, _ = next(batches)
    assert rows.tolist() == [7, 8, 9]
    assert len(multiprocessing.active_children()) == 1
    batches.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("start", [4, 8])
def test_start_resumes_exactly_at_a_border_of_batches(files, start):
    whole = list(image_batches(files, CROP, batch=4))
    assert_equal_batches(image_batches(files, CROP, batch=4, start=start), whole[start // 4 :])


def test_start_may_be_anywhere(files):
    assert rows_of(image_batches(files, CROP, batch=4, start=3)) == [[3, 4, 5, 6], [7, 8, 9]]
    assert rows_of(image_batches(files, CROP, batch=4, start=10, workers=2)) == []


def test_a_damaged_file_stops_by_name(damaged):
    batches = image_batches(damaged, CROP, batch=2)
    assert next(batches)[0].tolist() == [0, 1]
    assert next(batches)[0].tolist() == [2, 3]
    with pytest.raises(DataError, match=r"cut\.jpg cannot be read .*on_unreadable='skip'"):
        next(batches)


def test_a_damaged_file_is_left_out_and_named(damaged, capsys):
    batches = list(image_batches(damaged, CROP, batch=4, on_unreadable="skip"))
    assert rows_of(batches) == [[0, 1, 2, 3], [4, 6, 7], [8, 9]]
    np.testing.assert_array_equal(batches[1][1][1], CROP(read_rgb(damaged.paths[6])))
    line = f"noise: left out 1 of 10 images that cannot be read: {damaged.paths[BAD]}\n"
    assert capsys.readouterr().err == line


def test_a_batch_without_an_image_is_passed_over(damaged):
    assert rows_of(image_batches(damaged, CROP, batch=1, on_unreadable="skip")) == [
        [row] for row in range(10) if row != BAD
    ]


def test_of_many_damaged_files_ten_are_named_and_more_than_half_are_refused(damaged, capsys):
    many = damaged.take(np.full(1200, BAD))
    with pytest.raises(DataError, match="noise: 1,200 of 1,200 images cannot be read; expected at"):
        list(image_batches(many, CROP, on_unreadable="skip"))
    line = capsys.readouterr().err
    assert "left out 1,200 of 1,200 images" in line
    assert line.count("cut.jpg") == 10
    assert line.endswith("and 1,190 more\n")


@pytest.mark.parametrize("workers", [0, 1])
def test_the_cause_arrives_whole_whatever_it_is_and_whoever_reads(files, tmp_path, workers):
    """From worker processes too, and from names of any bytes."""
    odd = tmp_path / os.fsdecode(b"\xff.jpg")
    odd.symlink_to("/dev/zero")
    paths = (*files.paths[:BAD], odd, *files.paths[BAD + 1 :])
    batches = image_batches(
        ImageFiles(paths, files.labels, files.classes, "noise"), CROP, workers=workers
    )
    with pytest.raises(DataError) as caught:
        next(batches)
    assert str(caught.value) == (
        f"{odd} is a pipe, a socket or a device, no file; expected a whole JPEG, PNG, WebP, BMP, "
        "TIFF, GIF or AVIF image. Name a regular file. on_unreadable='skip' leaves such files out"
    )


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"batch": 0}, "batch 0 and workers 0; expected at least 1"),
        ({"workers": -1}, "batch 64 and workers -1"),
        ({"start": 11}, "files 11 to 10 are out of range; expected 0 to 10"),
        ({"start": -1}, "files -1 to 10 are out of range"),
        ({"on_unreadable": "ignore"}, "on_unreadable 'ignore'; expected 'stop' or 'skip'"),
    ],
)
def test_numbers_out_of_range_are_refused_at_once(files, numbers, message):
    with pytest.raises(DataError, match=message):
        image_batches(files, CROP, **numbers)
