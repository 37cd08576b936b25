"""Image files cut to one size, in place of `Examples` where these would not fit into memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from tqdm import tqdm

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles

IN_MEMORY = 500_000_000  # bytes of decoded images up to which they are kept
_READ = 64  # images at a time


@dataclass(frozen=True, eq=False)
class FileExamples:
    """Image files of one class each, cut to one size when they are looked at.

    Attributes:
      files: the images; one that cannot be read is an error, so leave it out before.
      crop: cuts one view of them.
      labelled: False where nobody has said what they show. The labels of the files then mean
        nothing, and to ask for them is an error.
      workers: processes that decode; 0 decodes in this one.
      in_memory: bytes of decoded images up to which they are kept once they were read.

    Raises:
      DataError: if images have several labels each, or the crop several views.
    """

    files: ImageFiles
    crop: Crop
    labelled: bool = True
    workers: int = 0
    in_memory: int = IN_MEMORY

    def __post_init__(self):
        """Check that an image is one array with one label."""
        if self.files.labels.ndim != 1 or self.crop.views != 1:
            raise DataError(
                f"{self.name}: labels of shape {self.files.labels.shape} and {self.crop.views} "
                "views of an image; expected one class an image, [n], and 1 view. Choose a class "
                "for each, and a crop of the centre"
            )

    @classmethod
    def unlabelled(
        cls, files: ImageFiles, crop: Crop, *, classes: tuple[str, ...], workers: int = 0
    ) -> "FileExamples":
        """Files that are of some of these classes, nobody knows which; their labels are dropped."""
        blank = replace(files, labels=np.zeros(len(files), np.int32), classes=classes)
        return cls(blank, crop, labelled=False, workers=workers)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.files.classes

    @property
    def name(self) -> str:
        """Where they come from, for messages and figures."""
        return self.files.name

    @property
    def labels(self) -> np.ndarray:
        """[n] int32, positions in `classes`.

        Raises:
          DataError: if there are none.
        """
        if not self.labelled:
            raise DataError(
                f"{self.name} has no labels; expected them where a method learns from it or is "
                "judged by it. Label it, or leave that out"
            )
        return self.files.labels

    @cached_property
    def images(self) -> Any:
        """Behaves as uint8 [n, size, size, 3] does when it is cut into slices."""
        return CutImages(self)

    @property
    def kept(self) -> bool:
        """Whether its decoded images are few enough to be kept."""
        return len(self) * self.crop.size**2 * 3 <= self.in_memory

    def __len__(self) -> int:
        """Number of images."""
        return len(self.files)

    def take(self, indices: np.ndarray) -> "FileExamples":
        """The files at the given positions, in that order."""
        return replace(self, files=self.files.take(indices))

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any file's content, label, class or cut."""
        said = repr((self.files.fingerprint(), self.crop, self.labelled))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


class CutImages:
    """The images of `FileExamples` as an array [n, size, size, 3] uint8 that is not there whole."""

    def __init__(self, examples: FileExamples):
        """Describe it; nothing is read yet."""
        self._examples = examples
        self.shape = (len(examples), examples.crop.size, examples.crop.size, 3)
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        """Number of images."""
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        """A part of them, decoded now unless they are kept.

        Raises:
          DataError: if an image cannot be read.
        """
        if self._examples.kept:
            return self.whole[part]
        rows = np.arange(len(self))[part]
        if not len(rows):
            return np.empty((0, *self.shape[1:]), self.dtype)
        return np.concatenate([*self._decoded(self._examples.take(rows))])

    @cached_property
    def whole(self) -> np.ndarray:
        """All of them, read once."""
        name = f"reading {self._examples.name}"
        with tqdm(desc=name, total=len(self), unit="img", disable=None, leave=False) as bar:
            parts = []
            for images in self._decoded(self._examples):
                parts.append(images)
                bar.update(len(images))
        return np.concatenate(parts)

    def parts(self) -> Iterator[np.ndarray]:
        """All of them, some at a time."""
        for start in range(0, len(self), _READ):
            yield self[start : start + _READ]

    @staticmethod
    def _decoded(examples: FileExamples) -> Iterator[np.ndarray]:
        for _, images in image_batches(
            examples.files, examples.crop, batch=_READ, workers=examples.workers
        ):
            yield images
