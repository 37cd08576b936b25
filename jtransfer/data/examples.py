"""Labelled images in memory: what every source gives."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

# Numbers of classes that a file may claim without naming them: all of ImageNet's are 21,841. Memory
# is taken for every one.
MOST_CLASSES = 100_000


class DataError(ValueError):
    """Data that cannot be used, and what to do about it."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled images in memory.

    Attributes:
      images: [n, height, width, channels] uint8, one or three channels.
      labels: [n] int32, positions in `classes`.
      classes: names of the classes.
      name: where they come from, for messages and figures.

    Raises:
      DataError: if the arrays do not fit each other.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str

    def __post_init__(self):
        """Check that images, labels and classes fit each other."""
        require_distinct_classes(self)
        images, labels = self.images, self.labels
        if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
            raise DataError(
                f"{self.name}: images are {images.dtype} of shape {images.shape}; expected uint8 "
                "[n, height, width, 1 or 3]. Convert them first, by images.to_bytes with the range "
                "that they have"
            )
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(
                f"{self.name}: labels are {labels.dtype} of shape {labels.shape}; expected [n] "
                "integers. Give one class number an image"
            )
        if len(images) != len(labels):
            raise DataError(
                f"{self.name}: {len(images):,} images but {len(labels):,} labels; expected as many "
                "of each. One of the two files is incomplete or belongs to something else"
            )
        if not len(images):
            raise DataError(
                f"{self.name}: the split is empty; expected at least one image. Choose another "
                "split or a larger size"
            )
        if labels.min() < 0 or labels.max() >= len(self.classes):
            position = int(np.argmax((labels < 0) | (labels >= len(self.classes))))
            raise DataError(
                f"{self.name}: label {labels[position]} of image {position} is out of range; "
                f"expected 0 to {len(self.classes) - 1}, one number for each of the "
                f"{len(self.classes)} classes. Mend the labels or name all the classes"
            )
        object.__setattr__(self, "labels", labels.astype(np.int32))

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def take(self, indices: np.ndarray) -> "Examples":
        """The examples at the given positions, in that order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def with_classes(self, classes: Sequence[str]) -> "Examples":
        """The same examples, their labels numbered by the given classes.

        Raises:
          DataError: if a class is not among them, or they name one twice.
        """
        positions = class_positions(self, classes)
        return replace(self, labels=positions[self.labels], classes=tuple(classes))

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any pixel, label or class name."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        digest.update(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()[:16]


class Classed(Protocol):
    """Whatever has classes and says where it comes from: `Examples`, `ImageFiles`, `Utterances`."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    @property
    def name(self) -> str:
        """For messages."""
        ...


def class_positions(examples: Classed, classes: Sequence[str]) -> np.ndarray:
    """Where each class of some examples stands in a list: [their classes] int32.

    Raises:
      DataError: naming the classes that are not in the list, or are twice.
    """
    if isinstance(classes, str) or len(set(classes)) != len(classes):
        twice = sorted(name for name, count in Counter(classes).items() if count > 1)
        raise DataError(
            f"classes for {examples.name} are {classes!r}"
            f"{', with ' + ', '.join(twice) + ' twice' if twice else ''}; expected a list of names "
            "that differ. Name each class once"
        )
    numbers = {name: number for number, name in enumerate(classes)}
    others = [name for name in examples.classes if name not in numbers]
    if others:
        raise DataError(
            f"{examples.name} has {len(others):,} classes that are not among the "
            f"{len(classes):,} given, such as {', '.join(map(repr, others[:5]))}; expected none"
            f"{_nearly(others, classes)}. Add them to the classes, or take them out of the data"
        )
    return np.array([numbers[name] for name in examples.classes], np.int32)


def require_distinct_classes(examples: Classed) -> None:
    """Check that every class has a name of its own, as people read it.

    Names that differ in blanks around them or in Unicode's normal form alone (an é of one character
    or of two, as file systems and archives of different systems write it) would be two classes
    which are called the same.

    Raises:
      DataError: naming two that are not distinct.
    """
    if len({_as_read(name) for name in examples.classes}) == len(examples.classes):
        return
    seen: dict[str, str] = {}
    for name in examples.classes:
        other = seen.get(_as_read(name))
        if other is not None:
            how = "" if other == name else " but for blanks or Unicode's normal form"
            raise DataError(
                f"{examples.name}: the classes {other!a} and {name!a} are called the "
                f"same{how}; expected a name of its own for every class. Rename one, or put their "
                "examples together"
            )
        seen[_as_read(name)] = name


def _as_read(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()


def _nearly(others: Sequence[str], classes: Sequence[str]) -> str:
    """In words, which of some names that are not in a list are there written differently."""
    there = {_as_read(name).casefold(): name for name in classes}
    pairs = [(name, there.get(_as_read(name).casefold())) for name in others]
    differing = [f"{name!a} for {near!a}" for name, near in pairs if near is not None]
    if not differing:
        return ""
    return (
        f"; {', '.join(differing[:5])} differ in capitals, blanks or Unicode's normal form alone: "
        "if they mean the same, rename them"
    )


def require_same_classes(source: Classed, target: Classed) -> None:
    """Check that two sets name the same classes in the same order, so that labels mean the same.

    Raises:
      DataError: naming the classes that differ.
    """
    if source.classes == target.classes:
        return
    ours, theirs = set(source.classes), set(target.classes)
    only_source = [name for name in source.classes if name not in theirs]
    only_target = [name for name in target.classes if name not in ours]
    if only_source or only_target:
        differing = (
            f"only {source.name} has {only_source}, only {target.name} has {only_target}"
            f"{_nearly(only_source, only_target)}"
        )
    else:
        differing = f"their order is {source.classes} and {target.classes}"
    raise DataError(
        f"{source.name} and {target.name} differ in their classes: {differing}; expected the same "
        "classes in the same order. Choose sets that share their classes, or number both by one "
        "list: classes= in load and in load_files"
    )


def require_same_pixels(source: Examples, target: Examples) -> None:
    """Check that two domains have images of one shape and, as far as can be told, one value range.

    Range: the brightest pixel of one is at least a quarter as bright as that of the other. Images
    of 0 and 1, or of levels up to 16, beside others of 0 to 255 are what this is to find.

    Raises:
      DataError: naming what differs.
    """
    shapes = [examples.images.shape[1:] for examples in (source, target)]
    if shapes[0] != shapes[1]:
        raise DataError(
            f"images of {source.name} are {shapes[0]}, those of {target.name} {shapes[1]}; "
            "expected one height, width and number of channels. Bring them to one by images.fit"
        )
    tops = [int(examples.images.max()) for examples in (source, target)]
    if 4 * min(tops) < max(tops):
        raise DataError(
            f"images of {source.name} reach {tops[0]}, those of {target.name} {tops[1]}; expected "
            "one value range, 0 to 255. Convert the darker ones by images.to_bytes with the range "
            "that they have"
        )
