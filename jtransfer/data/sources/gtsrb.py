"""The German Traffic Sign Recognition Benchmark as it is published: folders, tables, PPM images."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.sources.csv_table import read_csv_table
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.data.splits import per_group_split
from jtransfer.files.listing import entries
from jtransfer.files.names import plain_name
from jtransfer.files.reading import is_there

SIDE = 40  # to which the images of 15 to 250 pixels are scaled, as Ganin et al. give them to a net
_CLASSES = tuple(str(number) for number in range(43))
_HELD_OUT = 0.2  # of each class's tracks
_ADDRESS = (
    "GTSRB is at https://benchmark.ini.rub.de/gtsrb_dataset.html (GTSRB_Final_Training_Images.zip, "
    "GTSRB_Final_Test_Images.zip and, for the labels, GTSRB_Final_Test_GT.zip)"
)


def load_gtsrb(what: str, split: str, root: Path) -> Examples:
    """Read the official split (Stallkamp et al., Neural Networks 2012): 39,209 + 12,630 images.

    Training images are `<root>/<what>/Final_Training/Images/<class>/*.ppm`, labelled by
    `GT-<class>.csv` beside them; test images are `<root>/<what>/Final_Test/Images/*.ppm`, labelled
    by `GT-final_test.csv` beside them or in a folder above. Neighbouring training images are frames
    of one track: to hold some of them out, use `load_gtsrb_tracks`.

    Args:
      what: name of the folder, such as `GTSRB`.
      split: "train" or "test".
      root: the data root.

    Returns:
      Whole images with the ground around the sign, [n, 40, 40, 3], classes "0" to "42".

    Raises:
      DataError: if a folder, table or image is missing, or cannot be read.
    """
    folder = root / what
    rows = _training_rows(folder) if split == "train" else _test_rows(folder)
    return _examples([path for path, _ in rows], [label for _, label in rows], f"gtsrb:{what}")


def load_gtsrb_tracks(what: str, split: str, root: Path) -> Examples:
    """Split the official training images by track: a fifth of each class's tracks to test on.

    The thirty frames of a track show one sign as the car comes nearer, so a split by frame would
    test on what was trained on. A file's name gives its track: `<track>_<frame>.ppm`. The split is
    always the same one.

    Args, returns and errors are those of `load_gtsrb`; a file without a track is an error too.
    """
    rows = _training_rows(root / what)
    labels = np.array([label for _, label in rows])
    tracks = np.array([_track(path) for path, _ in rows])
    halves = per_group_split(labels, tracks, test=_HELD_OUT, seed=0)
    chosen = [rows[position] for position in halves[("train", "test").index(split)]]
    paths, kept = [path for path, _ in chosen], [label for _, label in chosen]
    return _examples(paths, kept, f"gtsrb_tracks:{what}")


def _training_rows(folder: Path) -> list[tuple[Path, int]]:
    images = folder / "Final_Training" / "Images"
    absent = (
        f"found no table {images}/00000/GT-00000.csv or the like; expected one for each class. "
        f"{_ADDRESS}: unpack it there, or name the right data root by --data-root or "
        "JTRANSFER_DATA"
    )
    classes = [each for each in entries(images, error=DataError) if each.is_dir()]
    tables = [
        file
        for folder in classes
        for file in entries(folder, error=DataError)
        if file.name.startswith("GT-") and file.suffix == ".csv"
    ]
    if not tables:
        raise DataError(absent)
    return [row for table in tables for row in _rows(table, table.parent)]


def _test_rows(folder: Path) -> list[tuple[Path, int]]:
    images = folder / "Final_Test" / "Images"
    for place in (images, images.parent, folder):
        table = place / "GT-final_test.csv"
        if is_there(table):
            return _rows(table, images)
    raise DataError(
        f"found no GT-final_test.csv in {images}, {images.parent} or {folder}; expected the labels "
        f"of the test images in one of them. {_ADDRESS}: unpack it there, or name the right data "
        "root by --data-root or JTRANSFER_DATA"
    )


def _rows(table: Path, images: Path) -> list[tuple[Path, int]]:
    """The images of a table and their classes."""
    expected = "a table of the columns Filename and ClassId, parted by semicolons"
    labelled: list[tuple[Path, int]] = []
    seen: set[Path] = set()
    for line, row in read_csv_table(table, expected, delimiter=";").of("Filename", "ClassId"):
        try:
            path = images / plain_name(row["Filename"])
        except ValueError as error:
            raise DataError(
                f"{table}, line {line}: {error}; expected one of an image beside the table. It is "
                "damaged, or another table: fetch it again"
            ) from error
        label = row["ClassId"]
        if label not in _CLASSES:
            raise DataError(
                f"{table}, line {line} has the class {label!r}; expected 0 to {len(_CLASSES) - 1}. "
                "It is damaged, or another table: fetch it again"
            )
        if path in seen:
            raise DataError(
                f"{table}, line {line} lists {path.name} again; expected every image once. It is "
                "damaged: fetch it again"
            )
        seen.add(path)
        labelled.append((path, int(label)))
    if not labelled:
        raise DataError(f"{table} lists no image; expected one a line. Fetch it again")
    return labelled


def _track(path: Path) -> int:
    track, _, frame = path.stem.partition("_")
    if not (track.isdecimal() and frame.isdecimal()):
        raise DataError(
            f"{path} does not say its track; expected a name such as 00001_00029.ppm. Give the "
            "images their published names"
        )
    return int(track)


def _examples(paths: list[Path], labels: list[int], name: str) -> Examples:
    from PIL import Image

    images = np.empty((len(paths), SIDE, SIDE, 3), np.uint8)
    for position, path in enumerate(paths):
        image = read_rgb(path, kinds=("a PPM image",))
        images[position] = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return Examples(images, np.array(labels, np.int32), _CLASSES, name)
