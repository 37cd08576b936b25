"""Ten thousand of SVHN's digits as one picture: tiles of 32x32, and a table of their labels."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.sources.csv_table import CsvTable, read_csv_table
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.files.reading import is_there

SIDE = 32
LAST_TO_TRAIN = 3535  # number of a photograph; those up to it have 7,016 of the 10,000 digits
_CLASSES = tuple(str(digit) for digit in range(10))


def load_tiles(what: str, split: str, root: Path) -> Examples:
    """Read `<root>/<what>/images.webp`, tiles row by row, and `labels.csv` of label and photo.

    The first 10,000 digits of SVHN's cropped test set (Netzer et al. 2011), pixel for pixel.
    Neighbours are digits of one house and look alike, so they are split by photograph: numbers up
    to 3535 to train, 7,016 images, the others to test, 2,984. A reduced protocol, whose accuracies
    do not stand beside those of the published 73,257 + 26,032 one to one.

    Args:
      what: name of the folder, such as `svhn10k`.
      split: "train" or "test".
      root: the data root.

    Returns:
      Images [n, 32, 32, 3] with classes "0" to "9", in the order of the table.

    Raises:
      DataError: if a file is missing, damaged or of another kind, if tiles and lines do not fit
        each other, or a label or photograph is no number of its kind.
    """
    file = root / what / "images.webp"
    if not is_there(file):
        raise DataError(
            f"{file} is not there; expected the first 10,000 images of SVHN's test_32x32.mat "
            "(http://ufldl.stanford.edu/housenumbers), tiles of one lossless WebP, with labels.csv "
            "beside it. Make the two, or name the right data root by --data-root or JTRANSFER_DATA"
        )
    pixels = np.asarray(read_rgb(file, kinds=("a WebP image",)))
    height, width, _ = pixels.shape
    table = read_csv_table(file.with_name("labels.csv"), "a table of label and photo")
    labels, photos = _numbers(table)
    rows, columns = height // SIDE, width // SIDE
    if height % SIDE or width % SIDE or rows * columns != len(labels):
        raise DataError(
            f"{file} is {width}x{height} pixels, {table.file.name} has {len(labels):,} lines; "
            f"expected whole tiles of {SIDE}x{SIDE}, as many as lines. One of the two files is "
            "incomplete or belongs to something else"
        )
    tiles = pixels.reshape(rows, SIDE, columns, SIDE, 3).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3)
    chosen = (photos <= LAST_TO_TRAIN) == (split == "train")
    return Examples(tiles[chosen], labels[chosen], _CLASSES, f"tiles:{what}")


def _numbers(table: CsvTable) -> tuple[np.ndarray, np.ndarray]:
    """The label and the photograph of every line."""
    labels, photos = [], []
    for line, row in table.of("label", "photo"):
        if row["label"] not in _CLASSES or not (row["photo"].isascii() and row["photo"].isdigit()):
            raise DataError(
                f"{table.file}, line {line} has the label {row['label']!r} and the photo "
                f"{row['photo']!r}; expected 0 to 9, and the number of a photograph. It is "
                "damaged, or another table: fetch it again"
            )
        labels.append(int(row["label"]))
        photos.append(int(row["photo"]))
    return np.array(labels, np.int32), np.array(photos)
