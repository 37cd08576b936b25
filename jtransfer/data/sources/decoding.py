"""Image files of every kind of pixel, read as upright RGB."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.image_opening import PHOTOGRAPHS, decoded, whole
from jtransfer.files.reading import open_regular, reading

if TYPE_CHECKING:
    from PIL.Image import Image

_STRIP = 1 << 22  # pixels that are put on white ground at a time


def read_rgb(path: Path, *, kinds: Collection[str] = PHOTOGRAPHS) -> "Image":
    """Decode an image file.

    The image is turned as its EXIF orientation says. Grey is repeated over the channels, of 16 bits
    the upper 8 are kept, CMYK and palettes become RGB, and what is transparent shows white ground.
    Of several pictures in a file the first is taken. Damage that the decoder does not notice goes
    unnoticed here: JPEG has no checksum.

    Args:
      path: of the file; its content decides what kind it is, not its name.
      kinds: that it may be, names in `files.kinds`; "a PPM image" only where it is named.

    Returns:
      A Pillow image of mode RGB.

    Raises:
      DataError: with the cause, if there is no such file, or it is none (a folder, a pipe), may not
        be read, is of another kind, truncated or damaged, or its pixels or its text would take far
        more memory than the file's size can account for.
    """
    with _opened(path, kinds) as image:
        if image.mode.startswith("I;16"):
            return _upper_bits(image).convert("RGB")
        return _on_white(image) if image.has_transparency_data else image.convert("RGB")


def read_rgba(path: Path, *, kinds: Collection[str] = PHOTOGRAPHS) -> "Image":
    """Decode an image file as `read_rgb` does, and keep what is transparent: of mode RGBA."""
    with _opened(path, kinds) as image:
        return (_upper_bits(image) if image.mode.startswith("I;16") else image).convert("RGBA")


@contextmanager
def _opened(path: Path, kinds: Collection[str]) -> Iterator["Image"]:
    with (
        reading(path, whole(kinds), error=DataError),
        open_regular(path) as stream,
        decoded(stream, str(path), kinds=kinds) as image,
    ):
        yield image


def _upper_bits(image: "Image") -> "Image":
    """Grey of 16 bits as of 8: Pillow would cut off at 255 what is above."""
    from PIL import Image

    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def _on_white(image: "Image") -> "Image":
    """What is transparent in strips, since every step makes one more picture as large."""
    from PIL import Image

    shown = Image.new("RGB", image.size)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(image.height, top + rows))
        strip = image.crop(box).convert("RGBA")
        ground = Image.new("RGBA", strip.size, "white")
        shown.paste(Image.alpha_composite(ground, strip).convert("RGB"), box)
    return shown
