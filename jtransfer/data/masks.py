"""Images with a class for every pixel, in memory."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from jtransfer.data.examples import DataError, require_distinct_classes


@dataclass(frozen=True, eq=False)
class MaskedImages:
    """Images of one size with their masks.

    Attributes:
      images: [n, height, width, 3] uint8.
      masks: [n, height, width] uint8, positions in `classes`, or `ignored`.
      classes: names of the classes.
      ignored: number of the pixels that have no class; None where all have one.
      name: where they come from, for messages and figures.

    Raises:
      DataError: if the arrays do not fit each other, or a mask holds a number that is no class.
    """

    images: np.ndarray
    masks: np.ndarray
    classes: tuple[str, ...]
    ignored: int | None
    name: str

    def __post_init__(self):
        """Check that images, masks and classes fit each other."""
        require_distinct_classes(self)
        images, masks = self.images, self.masks
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or not len(images):
            raise DataError(
                f"{self.name}: images are {images.dtype} of shape {images.shape}; expected uint8 "
                "[n, height, width, 3], at least one. Convert them first"
            )
        if masks.dtype != np.uint8 or masks.shape != images.shape[:3]:
            raise DataError(
                f"{self.name}: masks are {masks.dtype} of shape {masks.shape}; expected uint8 "
                f"{list(images.shape[:3])}, as large as the images. Give one class number a pixel"
            )
        allowed = np.zeros(256, bool)
        allowed[: len(self.classes)] = True
        if self.ignored is not None:
            allowed[self.ignored] = True
        for row, mask in enumerate(masks):
            require_classes(mask, allowed, f"{self.name}: mask {row}")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def take(self, indices: np.ndarray) -> "MaskedImages":
        """The images at the given positions, in that order."""
        return replace(self, images=self.images[indices], masks=self.masks[indices])

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any pixel, mask or class name."""
        about = (self.images.shape, self.classes, self.ignored)
        digest = hashlib.sha256(repr(about).encode())
        digest.update(self.images.tobytes())
        digest.update(self.masks.tobytes())
        return digest.hexdigest()[:16]


def require_classes(mask: np.ndarray, allowed: np.ndarray, what: str) -> None:
    """Check that a mask holds nothing but numbers that are allowed.

    Args:
      mask: uint8, of any shape.
      allowed: [256] bool.
      what: it is, as an error's subject.

    Raises:
      DataError: naming the others, and how many pixels they are.
    """
    odd = np.bincount(mask.ravel(), minlength=256) * ~allowed
    if odd.any():
        numbers = np.flatnonzero(odd)
        raise DataError(
            f"{what} holds {', '.join(map(str, numbers[:5]))}{' ...' if len(numbers) > 5 else ''} "
            f"at {odd.sum():,} pixels; expected {_ranges(allowed)}. Name all classes, or the "
            "number of pixels that have none"
        )


def _ranges(allowed: np.ndarray) -> str:
    numbers = np.flatnonzero(allowed)
    first = int((numbers == np.arange(len(numbers))).sum())
    return f"0 to {first - 1}" + "".join(f" or {number}" for number in numbers[first:])
