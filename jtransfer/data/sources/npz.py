"""NumPy archives with `{split}_image` and `{split}_label` arrays."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import MOST_CLASSES, DataError, Examples
from jtransfer.data.sources.npz_archive import Archive, open_npz


def load_npz(what: str, split: str, root: Path) -> Examples:
    """Read `<root>/<what>.npz`; nothing in it is executed.

    Args:
      what: name of the file without `.npz`.
      split: "train" or "test".
      root: the data root.

    Returns:
      Images [n, height, width, 1 or 3]; classes are `classes` in the archive if it is there,
      else the numbers from 0 to the largest label of any split, at most 100,000 of them.

    Raises:
      DataError: if the file is missing or damaged, or has no such arrays.
    """
    file = root / f"{what}.npz"
    absent = (
        f"Put one with {split}_image and {split}_label there, or name the right data root by "
        "--data-root or JTRANSFER_DATA"
    )
    with open_npz(file, "a whole .npz archive of plain arrays", absent=absent) as archive:
        images, labels = archive.read(f"{split}_image", f"{split}_label")
        _require_whole_numbers(labels, f"{split}_label", file)
        classes = _classes(archive, file)
    images = images[..., None] if images.ndim == 3 else images
    return Examples(images, labels, classes, f"npz:{what}")


def _classes(archive: Archive, file: Path) -> tuple[str, ...]:
    if "classes" in archive.names:
        return archive.text("classes", most=MOST_CLASSES)
    names = [name for name in archive.names if name.endswith("_label")]
    largest = -1
    for name, labels in zip(names, archive.read(*names), strict=True):
        _require_whole_numbers(labels, name, file)
        largest = max(largest, int(labels.max())) if labels.size else largest
    if largest >= MOST_CLASSES:
        raise DataError(
            f"{file} has the label {largest:,}; expected numbers below {MOST_CLASSES:,}, as "
            "classes are numbered from 0. Number the classes that there are, or name all of them "
            "in an array `classes`"
        )
    return tuple(str(number) for number in range(largest + 1))


def _require_whole_numbers(labels: np.ndarray, name: str, file: Path) -> None:
    if labels.dtype.kind not in "iu":
        first = labels.reshape(-1)[:1].tolist()
        raise DataError(
            f"{file}: {name} is {labels.dtype}{f', such as {first[0]!r}' if first else ''}; "
            "expected class numbers from 0, as integers. Save numbers, and the names of the "
            "classes in an array `classes`"
        )
