"""Images by their paths: a folder of classes to learn from, or any files and folders."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.image_folder import image_folder
from jtransfer.files.reading import is_there

_HELD_OUT = "test"  # a split that is left for judging


def listed(folder: ImageFiles | Path | str) -> ImageFiles:
    """The labelled images to learn from, see `learned_and_test`."""
    return learned_and_test(folder)[0]


def learned_and_test(
    folder: ImageFiles | Path | str,
) -> tuple[ImageFiles, ImageFiles | None]:
    """The labelled images of a folder as people have it, see `image_folder`; none is read.

    Returns:
      Those to learn from; and those of the split called "test", where there is one beside others.

    Raises:
      DataError: if it is missing, has not two classes, or has images of several labels.
    """
    test = None
    if isinstance(folder, ImageFiles):
        files = folder
    else:
        found = image_folder(folder)
        files = found.labelled()
        known = found.splits[found.positions()] != _HELD_OUT
        if known.any() and not known.all():
            test = files.take(np.flatnonzero(~known))
            files = files.take(np.flatnonzero(known))
    if files.labels.ndim != 1:
        raise DataError(
            f"{files.name} has images of several labels; expected one class each. Of several "
            "labels fit_multilabel_svm learns"
        )
    if len(files.classes) < 2:
        raise DataError(
            f"{files.name} has one class, {', '.join(files.classes)}; expected two or more. "
            "Add a folder of images of another one, such as of none of it"
        )
    return files, test


def image_paths(paths: Sequence[Path | str]) -> list[Path]:
    """The image files among paths, and all those below the folders among them.

    A file that is named is taken whatever it is; of a folder what `image_folder` lists.

    Raises:
      DataError: if a path is not there, or a folder has no image.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not is_there(path):
            raise DataError(f"{path} is not there; expected an image or a folder. Mend the name")
        found += image_folder(path).paths if path.is_dir() else [path]
    if not found:
        raise DataError("no image was named; expected at least one file or folder. Name one")
    return found


def called(path: Path) -> str:
    """A file's name and its folder's, which say nothing of whose machine it is on."""
    return "/".join(path.parts[-2:])
