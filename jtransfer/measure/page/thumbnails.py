"""Small pictures to put into a page."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from jtransfer.measure.page.content import media_type

MOST_PIXELS = 96  # of a thumbnail's longer side
_QUALITY = 80


def thumbnail(image: NDArray[np.uint8], *, pixels: int = MOST_PIXELS) -> bytes:
    """A JPEG of an image, its longer side reduced to at most so many pixels.

    Args:
      image: [height, width] or [height, width, 1 or 3] uint8.
      pixels: of the longer side, at most 96.

    Returns:
      Some 2 to 4 KB, without any of the original's metadata.

    Raises:
      ValueError: if it is no such image, or more pixels are asked for.
    """
    from PIL import Image

    given = np.asarray(image)
    grey = given.ndim == 2 or (given.ndim == 3 and given.shape[2] == 1)
    if given.dtype != np.uint8 or not given.size or not (grey or given.shape[2:] == (3,)):
        raise ValueError(
            f"an image of {given.dtype} {given.shape}; expected uint8 [height, width, 1 or 3] with "
            "at least one pixel"
        )
    if not 1 <= pixels <= MOST_PIXELS:
        raise ValueError(f"thumbnails of {pixels} pixels; expected 1 to {MOST_PIXELS}")
    small = Image.fromarray(given.reshape(given.shape[:2]) if grey else given)
    small.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
    stream = BytesIO()
    small.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return stream.getvalue()


def data_uri(picture: bytes) -> str:
    """A JPEG or PNG as an address that holds it.

    Raises:
      ValueError: if it is neither.
    """
    return f"data:{media_type(picture)};base64,{b64encode(picture).decode()}"
