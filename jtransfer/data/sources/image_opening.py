"""The one place that opens images: of kinds that it names, within a size, first pictures only.

Pillow knows sixty kinds of file and would hand some to other programs (PostScript to Ghostscript).
So a file's first bytes are looked at, and Pillow is told which one of the kinds below it is.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from jtransfer.data.examples import DataError
from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.memory import require_memory, require_plausible

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
_RUNS = 1 << 24  # pixels of a run-length encoded BMP, which Pillow unpacks byte by byte in Python
_SCANS = 100  # of a JPEG
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # of its segments, whose lengths follow
_DAMAGED = "It is truncated or damaged: fetch it again, or leave it out"


@contextmanager
def decoded(
    stream: BinaryIO,
    what: str,
    *,
    kinds: Collection[str] = PHOTOGRAPHS,
    damaged: str = _DAMAGED,
    opened: Callable[["Image"], None] | None = None,
) -> Iterator["Image"]:
    """The first picture of an image that is open or in memory, upright, in its own mode.

    Args:
      stream: at its beginning; `io.BytesIO` of what is in memory.
      what: it is, as an error's subject: the file's name, or the set and the number in it.
      kinds: as in `read_rgb`.
      damaged: what an error says to do where the content is at fault.
      opened: sees the image before its pixels are decoded, and may have it decode fewer.

    Raises:
      DataError: as `read_rgb`; also for what the block raises, such as a conversion that fails.
    """
    from PIL import Image

    kind = _kind(stream.read(HEAD), what, kinds)
    size = stream.seek(0, os.SEEK_END)
    require_memory(size, what, error=DataError)
    try:
        with Image.open(stream, formats=(_FORMATS[kind],)) as image:
            if opened is not None:
                opened(image)
            _check(image, size, what)
            if "progressive" in image.info:
                _check_scans(stream, what)
            image.load()
            _turn_upright(image)
            yield image
    # What a damaged image raises is the affair of many decoders: OSError, SyntaxError, ValueError,
    # struct.error ...
    except Exception as cause:
        raise _in_words(cause, what, kind, kinds, damaged) from cause


def whole(kinds: Collection[str]) -> str:
    """What is expected, in words: "a whole JPEG or PNG image"."""
    names = [kind.split()[1] for kind in kinds]
    return f"a whole {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))} image"


def _kind(head: bytes, what: str, kinds: Collection[str]) -> str:
    """Which kind it is by its first bytes."""
    from PIL import features

    kind, expected = kind_of(head), f"expected {whole(kinds)}"
    if not head:
        raise DataError(f"{what} is empty, 0 bytes; {expected}. Fetch it again, or leave it out")
    if kind is None:
        raise DataError(
            f"{what} begins as no image does ({head[:8]!r}); {expected}. Fetch it again, or leave "
            "it out"
        )
    if kind not in kinds:
        raise DataError(f"{what} is {kind}; {expected}. Convert it, or leave it out")
    if kind in _OPTIONAL and not features.check(_FORMATS[kind].lower()):
        raise DataError(
            f"{what} is {kind}, and Pillow was built without them here; expected one that reads "
            "them. Install Pillow's own wheel, or convert the image"
        )
    return kind


def _check(image: "Image", size: int, what: str) -> None:
    """Look at what the header says, before memory is taken for the pixels."""
    if image.mode not in _MODES and not image.mode.startswith("I;16"):
        raise DataError(
            f"{what} has pixels of the kind {image.mode} (numbers of 32 bits or another colour "
            "space); expected grey or colours of 8 or 16 bits. Convert it, or leave it out"
        )
    width, height = image.size
    what = f"{what} of {width:,} x {height:,} pixels"
    needed = (6 if image.format == "WEBP" else 4) * width * height  # whose decoder holds more
    require_plausible(needed, size, what, error=DataError)
    if image.format == "BMP" and image.info.get("compression") and width * height > _RUNS:
        raise DataError(
            f"{what} is a run-length encoded BMP; expected one of at most {_RUNS:,} pixels, since "
            "it is unpacked slowly. Save it as PNG, or leave it out"
        )


def _check_scans(stream: BinaryIO, what: str) -> None:
    """A progressive JPEG is decoded as often as it has scans, which may be a few bytes each."""
    place = stream.tell()
    stream.seek(0)
    content, at, scans = stream.read(), 2, 0
    while (marker := _MARKER.search(content, at)) and marker[0] != b"\xff\xd9":  # the end
        scans += marker[0] == b"\xff\xda"
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
    stream.seek(place)
    if scans > _SCANS:
        raise DataError(
            f"{what} has {scans:,} scans of its pixels; expected at most {_SCANS}, where a "
            "progressive JPEG has about 10. It is made to take time: leave it out"
        )


def _in_words(
    cause: Exception, what: str, kind: str, kinds: Collection[str], damaged: str
) -> DataError:
    """Decoders' words, or our own where the file need not be damaged."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(cause, DataError):
        return cause
    if isinstance(cause, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        said, expected, remedy = str(cause), "fewer pixels", "Scale it down, or leave it out"
    elif isinstance(cause, MemoryError):
        said, expected, remedy = "memory ran out", "a smaller one", "Scale it down, or leave it out"
    elif "MAX_TEXT" in str(cause):
        said, expected = "its text or colour profile unpacks to more than 1 MiB", "less"
        remedy = "Save it without, or leave it out"
    else:
        said, expected, remedy = str(cause), whole(kinds), damaged
        if isinstance(cause, UnidentifiedImageError):  # whose words name the stream by its address
            said = f"the header of {kind} that is none"
    return DataError(
        f"{what} cannot be read ({said or type(cause).__name__}); expected {expected}. {remedy}"
    )


def _turn_upright(image: "Image") -> None:
    from PIL import ImageOps

    with suppress(Exception):  # of many kinds: the EXIF block is damaged, the image itself is whole
        ImageOps.exif_transpose(image, in_place=True)
