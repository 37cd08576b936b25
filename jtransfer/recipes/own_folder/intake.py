"""A folder of images as `fit` takes it: a path, or the images as listed."""

from pathlib import Path

from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.folder import load_folder


def listed(folder: ImageFiles | Path | str) -> ImageFiles:
    """The images of a folder with one folder a class; none is read.

    Raises:
      DataError: if it is missing, or has no such folders.
    """
    if isinstance(folder, ImageFiles):
        return folder
    path = Path(folder).expanduser().absolute()
    return load_folder(path.name, path.parent)
