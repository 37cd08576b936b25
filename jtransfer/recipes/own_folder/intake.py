"""Images by their paths: a folder with one folder a class, or any files and folders."""

from collections.abc import Sequence
from pathlib import Path

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.folder import SUFFIXES, load_folder
from jtransfer.files.reading import is_there


def listed(folder: ImageFiles | Path | str) -> ImageFiles:
    """The images of a folder with one folder a class; none is read.

    Raises:
      DataError: if it is missing, or has not two such folders.
    """
    if isinstance(folder, ImageFiles):
        files = folder
    else:
        path = Path(folder).expanduser().absolute()
        files = load_folder(path.name, path.parent)
    if len(files.classes) < 2:
        raise DataError(
            f"{files.name} has one class, {files.classes[0]}; expected at least two to tell apart. "
            "Add a folder of images of another one, such as of none of it"
        )
    return files


def image_paths(paths: Sequence[Path | str]) -> list[Path]:
    """The image files among paths, and all those below the folders among them, without labels.

    A file that is named is taken whatever it is called; of a folder those whose suffix is an
    image's, in the order of their names, without hidden ones.

    Raises:
      DataError: if a path is not there, or there is no image in all of them.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not is_there(path):
            raise DataError(f"{path} is not there; expected an image or a folder. Mend the name")
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(
            each
            for each in path.rglob("*")
            if each.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in each.relative_to(path).parts)
        )
        found += [each for each in below if not each.is_dir()]
    if not found:
        raise DataError(
            f"there is no image in {', '.join(map(str, paths))}; expected files that end in "
            f"{', '.join(SUFFIXES)}. Name the files, or the folder that holds them"
        )
    return found
