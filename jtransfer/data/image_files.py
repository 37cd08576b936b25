"""Labelled images on disk: what is too large, or of too many sizes, to be held in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, class_positions, require_distinct_classes
from jtransfer.files.reading import open_regular, reading


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Labelled image files, unread.

    Attributes:
      paths: of the n files.
      labels: [n] int32, positions in `classes`; or, where an image has several, [n, classes] int32:
        1 for a class that it shows, -1 for one that it does not, 0 for one that is not to be
        judged, such as VOC's difficult ones.
      classes: names of the classes.
      name: where they come from, for messages and figures.

    Raises:
      DataError: if the labels do not fit the files or the classes.
    """

    paths: tuple[Path, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str

    def __post_init__(self):
        """Check that files, labels and classes fit each other."""
        require_distinct_classes(self)
        labels = self.labels
        if labels.ndim not in (1, 2) or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(
                f"{self.name}: labels are {labels.dtype} of shape {labels.shape}; expected [n] "
                "integers, or [n, classes] of them. Give one class number a file, or one sign for "
                "every class"
            )
        if len(self.paths) != len(labels):
            raise DataError(
                f"{self.name}: {len(self.paths):,} files but {len(labels):,} labels; expected as "
                "many of each. Label every file once"
            )
        zero = next((path for path in self.paths if "\0" in str(path)), None)
        if zero is not None:
            raise DataError(
                f"{self.name}: {str(zero)!r} has a zero byte in it, which no file's name has; "
                "expected the names of files. Mend the list"
            )
        if not len(labels):
            raise DataError(
                f"{self.name}: there are no files; expected at least one image. Choose other "
                "classes or positions"
            )
        if labels.ndim == 1:
            self._check_numbers()
        else:
            self._check_signs()
        object.__setattr__(self, "labels", labels.astype(np.int32))

    def _check_numbers(self) -> None:
        labels, classes = self.labels, len(self.classes)
        if labels.min() < 0 or labels.max() >= classes:
            position = int(np.argmax((labels < 0) | (labels >= classes)))
            raise DataError(
                f"{self.name}: label {labels[position]} of {self.paths[position]} is out of range; "
                f"expected 0 to {classes - 1}, one number for each of the {classes} classes. Mend "
                "the labels or name all the classes"
            )

    def _check_signs(self) -> None:
        labels, classes = self.labels, len(self.classes)
        if labels.shape[1] != classes:
            raise DataError(
                f"{self.name}: labels of shape {labels.shape} for {classes} classes; expected "
                f"[n, {classes}]. Give one sign for every class, or name all the classes"
            )
        odd = ~np.isin(labels, (-1, 0, 1))
        if odd.any():
            position, column = np.argwhere(odd)[0]
            raise DataError(
                f"{self.name}: label {labels[position, column]} of {self.paths[position]} for "
                f"{self.classes[column]}; expected 1 (shown), -1 (not shown) or 0 (not to be "
                "judged). Mend the labels"
            )

    def __len__(self) -> int:
        """Number of files."""
        return len(self.paths)

    def take(self, indices: np.ndarray) -> "ImageFiles":
        """The files at the given positions, in that order."""
        paths = tuple(self.paths[index] for index in indices)
        return replace(self, paths=paths, labels=self.labels[indices])

    def with_classes(self, classes: Sequence[str]) -> "ImageFiles":
        """The same files, their labels numbered by the given classes.

        A class that they do not have has no images; where images have several labels, none is
        judged for it.

        Raises:
          DataError: if a class is not among the given ones, or they name one twice.
        """
        positions = class_positions(self, classes)
        if self.labels.ndim == 1:
            labels = positions[self.labels]
        else:
            labels = np.zeros((len(self), len(classes)), np.int32)
            labels[:, positions] = self.labels
        return replace(self, labels=labels, classes=tuple(classes))

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any file's content, label or class name.

        They do not change when the files move or get other names but stay in the same order. All
        the files are read: a second or two for a gigabyte that the system has at hand.

        Raises:
          DataError: naming a file that cannot be opened, and why.
        """
        digest = hashlib.sha256(repr((len(self), self.classes)).encode())
        digest.update(self.labels.tobytes())
        expected, absent = f"every file of {self.name}", "Put it back, or list the files anew"
        for path in self.paths:
            with (
                reading(path, expected, error=DataError, absent=absent),
                open_regular(path) as stream,
            ):
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()[:16]
