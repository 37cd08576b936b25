"""Folders of images, one folder a class, as Caltech-101 and Caltech-256 are published."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles

SUFFIXES = (".jpg", ".jpeg", ".png")

# The folders of pictures of nothing in particular, which no table counts as a class.
CLUTTER = ("BACKGROUND_Google", "257.clutter")

_ADDRESSES = (
    "Caltech-101 is at https://data.caltech.edu/records/mzrjq-6wc02 and "
    "Caltech-256 at https://data.caltech.edu/records/nyy15-4j048"
)


def load_folder(what: str, root: Path, *, without: Collection[str] = CLUTTER) -> ImageFiles:
    """List the images `<root>/<what>/<class>/*.{jpg,jpeg,png}`; none is read.

    Classes and files come in the order of their names (capitals before small letters). Hidden
    files and folders, other files beside the images, and folders within a class are passed over.

    Args:
      what: name of the folder, such as `caltech101` or `caltech256/256_ObjectCategories`.
      root: the data root.
      without: classes to leave out where they are there.

    Raises:
      DataError: if the folder is missing or has no class, or a class has no image.
    """
    folder = root / what
    if not folder.is_dir():
        raise DataError(
            f"found no folder {folder}; expected one folder of images for each class there. "
            f"{_ADDRESSES}: unpack it there, or name the right data root by --data-root or "
            "JTRANSFER_DATA"
        )
    kept = [each for each in _visible(folder) if each.is_dir() and each.name not in without]
    if not kept:
        raise DataError(
            f"{folder} holds no folder of a class; expected {folder}/<class>/<image>. Move the "
            f"images of each class into a folder of their own. {_ADDRESSES}"
        )
    files = [_images(each) for each in kept]
    labels = np.repeat(np.arange(len(kept)), [len(each) for each in files])
    paths = tuple(path for each in files for path in each)
    return ImageFiles(paths, labels, tuple(each.name for each in kept), f"folder:{what}")


def _images(folder: Path) -> list[Path]:
    entries = _visible(folder)
    images = [path for path in entries if path.suffix.lower() in SUFFIXES and path.is_file()]
    if images:
        return images
    if not entries:
        found = "is empty"
    elif all(path.is_dir() for path in entries):
        found = f"holds only folders, such as {entries[0].name}"
    else:
        kinds = sorted({path.suffix or path.name for path in entries if not path.is_dir()})
        found = f"holds no image, only {', '.join(kinds[:5])}"
    raise DataError(
        f"the class folder {folder} {found}; expected at least one image ({', '.join(SUFFIXES)}) "
        "directly in it. Put its images there, remove the folder, or name the folder that holds "
        "the classes"
    )


def _visible(folder: Path) -> list[Path]:
    entries = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(entries, key=lambda path: path.name)
