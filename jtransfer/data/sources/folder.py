"""Folders of images, one folder a class, as Caltech-101 and Caltech-256 are published."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.files.listing import entries, leads_nowhere

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif")

# The folders of pictures of nothing in particular, which no table counts as a class.
CLUTTER = ("BACKGROUND_Google", "257.clutter")

_ADDRESSES = (
    "Caltech-101 is at https://data.caltech.edu/records/mzrjq-6wc02 and "
    "Caltech-256 at https://data.caltech.edu/records/nyy15-4j048"
)


def load_folder(
    what: str,
    root: Path,
    *,
    without: Collection[str] = CLUTTER,
    classes: Sequence[str] | None = None,
) -> ImageFiles:
    """List the images `<root>/<what>/<class>/*.{jpg,png,webp,...}`; none is read.

    Classes and files come in the order of their names (capitals before small letters). Hidden
    files and folders, other files beside the images, and folders within a class are passed over.
    What is called as an image is listed, be it a pipe or a link to nothing: reading it says so.

    Args:
      what: name of the folder, such as `caltech101` or `caltech256/256_ObjectCategories`.
      root: the data root.
      without: classes to leave out where they are there.
      classes: all that there are, which number the labels, so that those of two folders mean the
        same; one that has no folder has no images. None for the folders that are there.

    Raises:
      DataError: if the folder is missing or has no class, or one that is not among `classes`; a
        class has no image; a folder cannot be listed, or is a link to nothing.
    """
    folder = root / what
    absent = (
        f"expected one folder of images for each class there. {_ADDRESSES}: unpack it there, or "
        "name the right data root by --data-root or JTRANSFER_DATA"
    )
    # A clutter that is asked for by name counts.
    passed_over = set(without) - set(classes or ())
    kept = [
        each
        for each in entries(folder, error=DataError, absent=absent)
        if _is_folder(each) and each.name not in passed_over
    ]
    if not kept:
        raise DataError(
            f"{folder} holds no folder of a class; expected {folder}/<class>/<image>. Move the "
            f"images of each class into a folder of their own. {_ADDRESSES}"
        )
    files = [_images(each) for each in kept]
    labels = np.repeat(np.arange(len(kept)), [len(each) for each in files])
    paths = tuple(path for each in files for path in each)
    listed = ImageFiles(paths, labels, tuple(each.name for each in kept), f"folder:{what}")
    return listed if classes is None else listed.with_classes(classes)


def _is_folder(path: Path) -> bool:
    if leads_nowhere(path):
        raise DataError(
            f"{path} is a link to what is not there; expected the folder of a class. Mend the "
            "link, or remove it"
        )
    return path.is_dir()


def _images(folder: Path) -> list[Path]:
    found = entries(folder, error=DataError, absent="list the folders anew")
    images = [path for path in found if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    if images:
        return images
    if not found:
        what = "is empty"
    elif all(path.is_dir() for path in found):
        what = f"holds only folders, such as {found[0].name}"
    else:
        kinds = sorted({path.suffix or path.name for path in found if not path.is_dir()})
        what = f"holds no image, only {', '.join(kinds[:5])}"
    raise DataError(
        f"the class folder {folder} {what}; expected at least one image ({', '.join(SUFFIXES)}) "
        "directly in it. Put its images there, remove the folder, or name the folder that holds "
        "the classes"
    )
