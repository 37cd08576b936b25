"""Cutting images to the one size that a network takes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from jtransfer.data.examples import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Crop:
    """Scale the shorter side, then cut out the centre, or ten views of the image.

    Scaling is bilinear with antialiasing, as torchvision does it on Pillow images; a small image is
    scaled up. The ten views are the four corners (top left, top right, bottom left, bottom right)
    and the centre, then these five mirrored (Krizhevsky et al., NeurIPS 2012, section 4.1).

    Attributes:
      resize: length of the shorter side after scaling, in pixels.
      size: side of the square that is cut out, in pixels.
      views: 1 for the centre alone, or 10.

    Raises:
      DataError: if the square would not fit into the scaled image, or for other numbers of views.
    """

    resize: int = 256
    size: int = 224
    views: Literal[1, 10] = 1

    def __post_init__(self):
        """Check that the views fit into the scaled image."""
        if not 1 <= self.size <= self.resize:
            raise DataError(
                f"a crop of {self.size} pixels from a shorter side of {self.resize}; expected a "
                "crop of at least 1 and at most the shorter side. Choose a smaller size or a "
                "larger resize"
            )
        if self.views not in (1, 10):
            raise DataError(f"{self.views} views of an image; expected 1 (centre) or 10")

    def __call__(self, image: "Image") -> np.ndarray:
        """Cut an RGB image: [size, size, 3] uint8, or [10, size, size, 3] for ten views."""
        pixels = self._scaled(image)
        corner_y, corner_x = (side - self.size for side in pixels.shape[:2])
        centre_y, centre_x = round(corner_y / 2), round(corner_x / 2)
        if self.views == 1:
            return self._cut(pixels, centre_y, centre_x)
        corners = [(y, x) for y in (0, corner_y) for x in (0, corner_x)]
        five = np.stack([self._cut(pixels, y, x) for y, x in [*corners, (centre_y, centre_x)]])
        return np.concatenate([five, five[:, :, ::-1]])

    def _scaled(self, image: "Image") -> np.ndarray:
        from PIL import Image

        shorter = min(image.size)
        width, height = (int(self.resize * side / shorter) for side in image.size)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))

    def _cut(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        return pixels[top : top + self.size, left : left + self.size]
