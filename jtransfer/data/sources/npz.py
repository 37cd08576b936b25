"""NumPy archives with `{split}_image` and `{split}_label` arrays."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples

# What NumPy and zipfile raise for damaged files; TypeError is for a lone array, not an archive.
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_npz(what: str, split: str, root: Path) -> Examples:
    """Read `<root>/<what>.npz`; nothing in it is executed.

    Args:
      what: name of the file without `.npz`.
      split: "train" or "test".
      root: the data root.

    Returns:
      Images [n, height, width, 1 or 3]; classes are `classes` in the archive if it is there,
      else the numbers from 0 to the largest label of any split.

    Raises:
      DataError: if the file is missing or damaged, or has no such arrays.
    """
    file = root / f"{what}.npz"
    if not file.exists():
        raise DataError(
            f"found no {file}; expected an archive with {split}_image and {split}_label there. "
            "Put it there, or name the right data root by --data-root or JTRANSFER_DATA"
        )
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            wanted = (f"{split}_image", f"{split}_label")
            missing = [key for key in wanted if key not in archive.files]
            if missing:
                raise DataError(
                    f"{file} has no {' and no '.join(missing)}; it holds {sorted(archive.files)}. "
                    "Choose another split, or rename the arrays"
                )
            images, labels = (archive[key] for key in wanted)
            classes = _classes(archive)
    except UNREADABLE as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{file} cannot be read ({error}); expected a whole .npz archive of plain arrays. "
            "It is truncated or damaged: fetch it again"
        ) from error
    images = images[..., None] if images.ndim == 3 else images
    return Examples(images, labels, classes, f"npz:{what}")


def _classes(archive) -> tuple[str, ...]:
    if "classes" in archive.files:
        return tuple(str(name) for name in archive["classes"])
    labels = [archive[key] for key in archive.files if key.endswith("_label")]
    largest = max((int(each.max()) for each in labels if each.size), default=-1)
    return tuple(str(number) for number in range(largest + 1))
