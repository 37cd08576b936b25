"""Cutting images to the one size that a network takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from jtransfer.data.examples import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

_WHOLE = 1 << 22  # pixels of a scaled image above which the views alone are scaled


@dataclass(frozen=True)
class Crop:
    """Scale the shorter side, then cut out the centre, or ten views of the image.

    Scaling is antialiased, as torchvision does it on Pillow images; a small image is scaled up.
    Where the whole image would become very large by that (it is 60,000 pixels long and one high),
    the views alone are scaled, to the same pixels but for rounding. The ten views are the four
    corners (top left, top right, bottom left, bottom right) and the centre, then these five
    mirrored (Krizhevsky et al., NeurIPS 2012, section 4.1).

    Attributes:
      resize: length of the shorter side after scaling, in pixels.
      size: side of the square that is cut out, in pixels.
      views: 1 for the centre alone, or 10.
      interpolation: of the scaling, "bilinear" or "bicubic".

    Raises:
      DataError: if the square would not fit into the scaled image, or for other numbers of views or
        another interpolation.
    """

    resize: int = 256
    size: int = 224
    views: Literal[1, 10] = 1
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

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
        if self.interpolation not in ("bilinear", "bicubic"):
            raise DataError(
                f"interpolation {self.interpolation!r}; expected 'bilinear' or 'bicubic'"
            )

    @property
    def ample(self) -> int:
        """Length of the shorter side to which a large JPEG may be decoded, see `read_rgb`.

        Scaled from four times its size on, an image looks the same.
        """
        return 4 * self.resize

    def __call__(self, image: "Image") -> np.ndarray:
        """Cut an RGB image: [size, size, 3] uint8, or [10, size, size, 3] for ten views."""
        shorter = min(image.size)
        width, height = (int(self.resize * side / shorter) for side in image.size)
        corner_y, corner_x = height - self.size, width - self.size
        centre = round(corner_y / 2), round(corner_x / 2)
        cut = self._cutter(image, width, height)
        if self.views == 1:
            return cut(*centre)
        five = np.stack([cut(y, x) for y in (0, corner_y) for x in (0, corner_x)] + [cut(*centre)])
        return np.concatenate([five, five[:, :, ::-1]])

    def _cutter(self, image: "Image", width: int, height: int) -> Callable[[int, int], np.ndarray]:
        """What cuts a view by its top and left, in pixels of the scaled image."""
        from PIL import Image

        kernel, size = Image.Resampling[self.interpolation.upper()], self.size
        if width * height <= _WHOLE:
            pixels = np.asarray(image.resize((width, height), kernel))
            return lambda top, left: pixels[top : top + size, left : left + size]
        across, down = image.width / width, image.height / height

        def cut(top: int, left: int) -> np.ndarray:
            right, bottom = min(image.width, (left + size) * across), (top + size) * down
            box = (left * across, top * down, right, min(image.height, bottom))
            return np.asarray(image.resize((size, size), kernel, box))

        return cut
