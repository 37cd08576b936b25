"""Image files of every kind of pixel, read as upright RGB: the one place that opens image files.

Pillow knows sixty kinds of file and would hand some to other programs (PostScript to Ghostscript).
So a file's first bytes are looked at, and Pillow is told which one of the kinds below it is.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.memory import require_memory, require_plausible
from jtransfer.files.reading import open_regular, reading

if TYPE_CHECKING:
    from PIL.Image import Image

# Names in `files.kinds`, and Pillow's for them. Each is decoded in this process, by libraries that
# survive what tests/data/test_damaged_images.py does to their files.
_FORMATS = {
    "a JPEG image": "JPEG",
    "a PNG image": "PNG",
    "a WebP image": "WEBP",
    "a BMP image": "BMP",
    "a TIFF image": "TIFF",
    "a GIF image": "GIF",
    "an AVIF image": "AVIF",
    "a PPM image": "PPM",
}
PHOTOGRAPHS = tuple(kind for kind in _FORMATS if kind != "a PPM image")
_OPTIONAL = ("a WebP image", "an AVIF image")  # which Pillow can be built without

# Of 8 bits, or of 16; numbers of 32 bits (TIFF has them) have no white that all agree on.
_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_STRIP = 1 << 22  # pixels that are put on white ground at a time
_DAMAGED = "It is truncated or damaged: fetch it again, or leave it out"


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
    """An image file's first picture, decoded and upright."""
    from PIL import Image

    names = [kind.split()[1] for kind in kinds]
    listed = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    expected = f"a whole {listed} image"
    with (
        reading(path, expected, error=DataError, kinds=kinds, damaged=_DAMAGED),
        open_regular(path) as stream,
    ):
        kind = _kind(stream.read(HEAD), path, kinds, expected)
        size = os.fstat(stream.fileno()).st_size
        require_memory(size, str(path), error=DataError)
        try:
            with Image.open(stream, formats=(_FORMATS[kind],)) as image:
                _check(image, size, path)
                image.load()
                _turn_upright(image)
                yield image
        # What a damaged image raises is the affair of many decoders: OSError, SyntaxError,
        # ValueError, struct.error ...
        except Exception as cause:
            raise _in_words(cause, path, kind) from cause


def _kind(head: bytes, path: Path, kinds: Collection[str], expected: str) -> str:
    """Which kind it is by its first bytes."""
    from PIL import features

    kind = kind_of(head)
    if head and kind is None:
        raise DataError(
            f"{path} begins as no image does ({head[:8]!r}); expected {expected}. Fetch it again, "
            "or leave it out"
        )
    if kind is None or kind not in kinds:
        raise ValueError("of another kind")  # which `reading` names
    if kind in _OPTIONAL and not features.check(_FORMATS[kind].lower()):
        raise DataError(
            f"{path} is {kind}, and Pillow was built without them here; expected one that reads "
            "them. Install Pillow's own wheel, or convert the image"
        )
    return kind


def _check(image: "Image", size: int, path: Path) -> None:
    """Look at what the header says, before memory is taken for the pixels."""
    if image.mode not in _MODES and not image.mode.startswith("I;16"):
        raise DataError(
            f"{path} has pixels of the kind {image.mode} (numbers of 32 bits or another colour "
            "space); expected grey or colours of 8 or 16 bits. Convert it, or leave it out"
        )
    width, height = image.size
    what = f"{path} of {width:,} x {height:,} pixels"
    require_plausible(4 * width * height, size, what, error=DataError)


def _in_words(cause: Exception, path: Path, kind: str) -> Exception:
    """What Pillow says in words of its own, where the file need not be damaged."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(cause, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        said, remedy = f"{cause}; expected fewer", "Scale it down"
    elif "MAX_TEXT" in str(cause):
        said = "its text or colour profile unpacks to more than 1 MiB; expected less"
        remedy = "Save it without"
    elif isinstance(cause, UnidentifiedImageError):  # whose words name the stream by its address
        return ValueError(f"the header of {kind} that is none")
    else:
        return cause
    return DataError(f"{path} cannot be read ({said}). {remedy}, or leave it out")


def _turn_upright(image: "Image") -> None:
    from PIL import ImageOps

    with suppress(Exception):  # of many kinds: the EXIF block is damaged, the image itself is whole
        ImageOps.exif_transpose(image, in_place=True)


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
