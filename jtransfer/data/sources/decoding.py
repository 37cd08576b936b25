"""Image files of every kind of pixel, read as upright RGB."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.image_opening import PHOTOGRAPHS, decoded, whole
from jtransfer.files.reading import open_regular, reading

if TYPE_CHECKING:
    from PIL.Image import Image

_STRIP = 1 << 22  # pixels that are put on white ground at a time


def read_rgb(
    path: Path, *, kinds: Collection[str] = PHOTOGRAPHS, at_least: int | None = None
) -> "Image":
    """Decode an image file.

    The image is turned as its EXIF orientation says. Grey is repeated over the channels, of 16 bits
    the upper 8 are kept, CMYK and palettes become RGB, and what is transparent shows white ground.
    Of several pictures in a file the first is taken. Damage that the decoder does not notice goes
    unnoticed here: JPEG has no checksum.

    Args:
      path: of the file; its content decides what kind it is, not its name.
      kinds: that it may be, names in `files.kinds`; "a PPM image" only where it is named.
      at_least: pixels of the shorter side to which it may be reduced: a JPEG is decoded at a half,
        a quarter or an eighth of its size where that is as large, which takes less time and memory.
        None for all its pixels.

    Returns:
      A Pillow image of mode RGB.

    Raises:
      DataError: with the cause, if there is no such file, or it is none (a folder, a pipe), may not
        be read, is of another kind, truncated or damaged, or its pixels or its text would take far
        more memory than the file's size can account for.
    """
    return read_photograph(path, kinds=kinds, at_least=at_least).pixels


@dataclass(frozen=True, eq=False)
class Photograph:
    """An image file as it is seen.

    Attributes:
      pixels: a Pillow image of mode RGB.
      size: width and height that all its pixels would have, upright.
      transparent: whether it shows white ground somewhere, or might.
      several: whether the file has more pictures than this one.
    """

    pixels: "Image"
    size: tuple[int, int]
    transparent: bool
    several: bool


def read_photograph(
    path: Path, *, kinds: Collection[str] = PHOTOGRAPHS, at_least: int | None = None
) -> Photograph:
    """Decode an image file, with what is said of it; arguments and errors as of `read_rgb`."""
    sizes: list[tuple[int, int]] = []

    def opened(image: "Image") -> None:
        sizes.append(image.size)
        if at_least is not None:
            image.draft(None, (at_least, at_least))

    with _opened(path, kinds, opened) as image:
        transparent = image.has_transparency_data
        if image.mode.startswith("I;16"):
            pixels = _upper_bits(image).convert("RGB")
        else:
            pixels = _on_white(image) if transparent else image.convert("RGB")
        several = _has_several(image)
    (width, height), (seen_width, seen_height) = sizes[0], pixels.size
    turned = (width > height) != (seen_width > seen_height) and seen_width != seen_height
    return Photograph(pixels, (height, width) if turned else (width, height), transparent, several)


def _has_several(image: "Image") -> bool:
    """Whether a file has several pictures; a telephone's MPO has a second one that is no other."""
    with suppress(Exception):  # of many kinds: what lies behind the first picture is damaged
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    return False


def read_rgba(path: Path, *, kinds: Collection[str] = PHOTOGRAPHS) -> "Image":
    """Decode an image file as `read_rgb` does, and keep what is transparent: of mode RGBA."""
    with _opened(path, kinds) as image:
        return (_upper_bits(image) if image.mode.startswith("I;16") else image).convert("RGBA")


@contextmanager
def _opened(
    path: Path, kinds: Collection[str], opened: "Callable[[Image], None] | None" = None
) -> Iterator["Image"]:
    with (
        reading(path, whole(kinds), error=DataError),
        open_regular(path) as stream,
        decoded(stream, str(path), kinds=kinds, opened=opened) as image,
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
