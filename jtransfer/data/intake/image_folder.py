"""A folder of images by its path alone, labelled or not, with splits or without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, class_positions
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.class_names import alike, class_name, respelt
from jtransfer.data.intake.labels_file import read_labels_file
from jtransfer.data.intake.layout import placed
from jtransfer.data.intake.walk import Walk, walk

_TABLES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """The images of a folder; none is read.

    Attributes:
      root: the folder.
      names: of the n files, relative to it.
      labels: [n] int32, positions in `classes`; -1 for a file that has no class.
      splits: [n], "train", "val", "test" or what a csv calls it; "" where there are none.
      classes: their names, one list for all splits, in the order of their names.
      passed_over: names of other files and folders, by the reason.
      notes: sentences on what was taken for what, and what looks wrong.
    """

    root: Path
    names: tuple[str, ...]
    labels: np.ndarray
    splits: np.ndarray
    classes: tuple[str, ...]
    passed_over: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Of the n files."""
        return tuple(self.root / name for name in self.names)

    @property
    def name(self) -> str:
        """Where the images come from, for messages and figures."""
        return f"folder:{self.root.name}"

    def label_name(self, row: int) -> str:
        """Name of the class of a file, "" where it has none."""
        label = self.labels[row]
        return self.classes[label] if label >= 0 else ""

    def positions(self, split: str | None = None) -> np.ndarray:
        """Positions of the labelled images of one split, or of all."""
        wanted = self.labels >= 0
        return np.flatnonzero(wanted if split is None else wanted & (self.splits == split))

    def labelled(self, split: str | None = None) -> ImageFiles:
        """The labelled images of one split, or of all, numbered by all the classes.

        Raises:
          DataError: if there are none.
        """
        rows = self.positions(split)
        if not len(rows):
            there = ", ".join(map(repr, sorted(set(self.splits.tolist()))))
            what = "" if split is None else f" in the split {split!r} (there are {there})"
            raise DataError(
                f"{self.root} has no labelled image{what}; expected a folder of images for each "
                "class, or a csv of files and labels. Move the images of each class into a folder "
                "of their own"
            )
        paths = tuple(self.paths[row] for row in rows)
        return ImageFiles(paths, self.labels[rows], self.classes, self.name)

    def every(self) -> ImageFiles:
        """All the images, as if of one class: for what looks at no label."""
        zeros = np.zeros(len(self), np.int32)
        return ImageFiles(self.paths, zeros, ("image",), self.name)


def image_folder(path: Path | str, *, classes: Sequence[str] | None = None) -> ImageFolder:
    """List the images of a folder as people have it; none is read.

    - One folder for each class: `<path>/<class>/*.jpg`, and deeper ones.
    - `train`, `val` and `test` (or `training`, `valid`, `validation`, `testing`), each with the
      folders of classes below.
    - A flat folder, `<path>/*.jpg`: images without labels.
    - A csv of files and labels, `<path>` itself: with a line of columns' names or without; files
      are relative to its folder; a column `split` is obeyed.

    JPEG, PNG, WebP, BMP, TIFF, GIF and AVIF files are listed, by their content where their names
    do not say. Names of classes are in Unicode's form NFC. Hidden files, what the system left
    (`__MACOSX`, `Thumbs.db`), other files, and links to nowhere are passed over and named; links
    are followed, each folder once.

    Args:
      path: of the folder or the csv.
      classes: all that there are, which number the labels, such as another folder's; None for
        those that are there.

    Returns:
      The images in the order of their splits, classes and names.

    Raises:
      DataError: in a sentence, if there is no image, the folders can be read in two ways, the csv
        is none, or a class is not among `classes`.
    """
    path = Path(path).expanduser().absolute()
    if path.is_file() and path.suffix.lower() in _TABLES:
        found, images, notes = read_labels_file(path)
    else:
        found = walk(path)
        images, notes = placed(found)
    if not images:
        raise DataError(
            f"{path} holds no image{_what_else(found)}; expected JPEG, PNG, WebP, BMP, TIFF, GIF "
            "or AVIF files in it, in a folder for each class. Name the folder that they are in"
        )
    written = [label for _, _, label in images if label is not None]
    named = tuple(sorted({class_name(each) for each in written}))
    order = sorted(
        range(len(images)),
        key=lambda row: (images[row][1], class_name(images[row][2] or ""), images[row][0]),
    )
    numbers = {name: number for number, name in enumerate(named)}
    labels = [
        -1 if images[row][2] is None else numbers[class_name(images[row][2] or "")] for row in order
    ]
    folder = ImageFolder(
        found.root,
        tuple(str(images[row][0]) for row in order),
        np.array(labels, np.int32),
        np.array([images[row][1] for row in order]),
        named,
        {why: tuple(map(str, paths)) for why, paths in sorted(found.passed_over.items())},
        (*notes, *respelt(set(written)), *alike(named), *_hints(path, found)),
    )
    return folder if classes is None else _numbered(folder, classes)


def _numbered(folder: ImageFolder, classes: Sequence[str]) -> ImageFolder:
    """The same folder, its labels numbered by the given classes."""
    given = tuple(class_name(each) for each in classes)
    positions = np.append(class_positions(folder, given), -1)
    return replace(folder, labels=positions[folder.labels].astype(np.int32), classes=given)


def _what_else(found: Walk) -> str:
    counts = [f"{len(paths):,} x {why}" for why, paths in sorted(found.passed_over.items())]
    return f" ({'; '.join(counts[:4])})" if counts else " (it is empty)"


def _hints(path: Path, found: Walk) -> list[str]:
    """What may have been meant."""
    flat = all(len(image.parts) == 1 for image in found.images)
    tables = [
        each
        for paths in found.passed_over.values()
        for each in paths
        if each.suffix.lower() == ".csv" and len(each.parts) == 1
    ]
    if flat and tables and path.is_dir():
        return [f"{tables[0]} lies beside the images: if it holds their labels, name it instead"]
    return []
