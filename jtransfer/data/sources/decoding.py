"""Image files of every kind of pixel, read as upright RGB."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jtransfer.data.examples import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


def read_rgb(path: Path) -> "Image":
    """Decode a JPEG or PNG file.

    The image is turned as its EXIF orientation says. Grey is repeated over the channels, of 16 bits
    the upper 8 are kept, CMYK and palettes become RGB, and what is transparent shows white ground.
    Damage that the decoder does not notice goes unnoticed here: JPEG has no checksum.

    Args:
      path: of the file; its content decides what kind it is, not its name.

    Returns:
      A Pillow image of mode RGB.

    Raises:
      DataError: if the file is missing, truncated or damaged, or of another kind.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            image.load()
            return _rgb(_upright(image))
    # What a damaged image raises is the affair of many decoders: OSError, SyntaxError, ValueError,
    # struct.error, DecompressionBombError ...
    except Exception as error:
        raise DataError(
            f"{path} cannot be read ({error}); expected a whole JPEG or PNG image. It is truncated "
            "or damaged: fetch it again, or leave it out"
        ) from error


def _upright(image: "Image") -> "Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # again of many kinds: the EXIF block is damaged, the image itself is whole
        return image


def _rgb(image: "Image") -> "Image":
    from PIL import Image

    if image.mode.startswith("I;16"):  # Pillow would cut off at 255 what is above
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
