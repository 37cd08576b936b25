"""Digits as drawn by fonts."""

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.files.kinds import HEAD, kind_of
from jtransfer.files.reading import read_bytes, reading

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

CELL = 40  # side of a glyph's square in pixels
HEIGHT = 24  # of the digit 0 in pixels

# Of the fonts that matplotlib ships, those whose digits are digits.
_SHIPPED = (
    "DejaVuSans*.ttf",
    "DejaVuSerif*.ttf",
    "STIXGeneral*.ttf",
    "cmb10.ttf",
    "cmr10.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
)
# What FreeType is given to read; it knows a dozen more kinds of file.
_FONTS = ("a TrueType font", "an OpenType font")
_WITHOUT_DIGITS = ("DejaVuSansDisplay.ttf", "DejaVuSerifDisplay.ttf")


def shipped_fonts() -> tuple[Path, ...]:
    """The font files with digits that come with matplotlib, in order of their names."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    files = {file for pattern in _SHIPPED for file in folder.glob(pattern)}
    return tuple(sorted(file for file in files if file.name not in _WITHOUT_DIGITS))


def fonts_below(folder: Path) -> tuple[Path, ...]:
    """The .ttf and .otf files below a folder, in order.

    Raises:
      DataError: if there are none.
    """
    files = tuple(
        sorted(
            file
            for file in folder.rglob("*")
            if file.suffix.lower() in (".ttf", ".otf") and not file.name.startswith(".")
        )
    )
    if not files:
        raise DataError(
            f"found no fonts (.ttf, .otf) below {folder}; expected at least one. Name another "
            "folder, or leave it out to use the fonts that matplotlib ships"
        )
    return files


@lru_cache(maxsize=4)
def digit_masks(fonts: tuple[Path, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The ten digits of each font.

    Returns:
      masks: [fonts, 10, CELL, CELL] float32 ink from 0 to 1, the digit in the middle of its cell
        and all digits of a font at one scale.
      widths: [fonts, 10] float32, each digit's width in pixels.

    Raises:
      DataError: if a font cannot be read, or draws nothing for a digit.
    """
    masks = np.zeros((len(fonts), 10, CELL, CELL), np.float32)
    widths = np.zeros((len(fonts), 10), np.float32)
    for number, file in enumerate(fonts):
        for digit, mask in enumerate(_draw(file)):
            height, width = mask.shape
            top, left = (CELL - height) // 2, (CELL - width) // 2
            masks[number, digit, top : top + height, left : left + width] = mask
            widths[number, digit] = width
    return masks, widths


def bolder(masks: np.ndarray, widths: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits whose strokes grow by some pixels on either side, at the height that they had.

    Args:
      masks: [fonts, 10, CELL, CELL], as `digit_masks` gives them.
      widths: [fonts, 10].
      pixels: 0 or more.

    Returns:
      Masks and widths of the same shapes.
    """
    from scipy.ndimage import affine_transform, grey_dilation

    v, u = np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]
    disc = v**2 + u**2 <= pixels**2
    scale = 1 + 2 * pixels / HEIGHT
    grown = grey_dilation(masks, footprint=disc[None, None])
    middle = (CELL - 1) / 2 * (1 - scale)
    corner: Any = (0, 0, middle, middle)
    scaled = affine_transform(grown, (1, 1, scale, scale), corner, order=1)
    return scaled, (widths + 2 * pixels) / scale


def sampled(cells: np.ndarray, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Values of [n, CELL, CELL] cells at positions relative to their centres, 0 outside: [n, p]."""
    count = len(cells)
    # One dark pixel around each cell, so that positions outside are clipped onto it.
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1))).reshape(-1)
    side, centre = CELL + 2, (CELL + 1) / 2
    y = np.clip(v + centre, 0, side - 1.001).astype(np.float32)
    x = np.clip(u + centre, 0, side - 1.001).astype(np.float32)
    top, left = y.astype(np.int32), x.astype(np.int32)
    y -= top
    x -= left
    corner = np.arange(count, dtype=np.int32)[:, None] * (side * side) + top * side + left
    upper = padded[corner] * (1 - x) + padded[corner + 1] * x
    lower = padded[corner + side] * (1 - x) + padded[corner + side + 1] * x
    return upper * (1 - y) + lower * y


def _draw(file: Path) -> list[np.ndarray]:
    """Each digit's ink, cropped to it."""
    from PIL import Image, ImageDraw

    try:
        font = _opened(file)
        digits = []
        for digit in range(10):
            canvas = Image.new("L", (4 * CELL, 4 * CELL))
            ImageDraw.Draw(canvas).text((CELL, CELL), str(digit), font=font, fill=255)
            box = canvas.getbbox()
            if box is None:
                raise DataError(f"{file} draws nothing for the digit {digit}; remove it")
            picture = canvas.crop(box)
            picture.thumbnail((CELL, CELL))  # an unusually wide or tall digit must fit its cell
            digits.append(np.asarray(picture, np.float32) / 255.0)
    except DataError:
        raise
    # A damaged font may open, and fail where a digit is drawn: OSError, ValueError ...
    except Exception as error:
        raise DataError(
            f"{file} cannot be drawn with ({error}); expected a whole font with ten digits. It is "
            "damaged: fetch it again, or remove it"
        ) from error
    return digits


def _opened(file: Path) -> "FreeTypeFont":
    """The font at the size at which a 0 is HEIGHT pixels high."""
    from PIL import ImageFont

    with reading(
        file,
        "a TrueType or OpenType font",
        error=DataError,
        kinds=_FONTS,
        damaged="It is truncated or damaged: fetch it again, or remove it",
    ):
        content = read_bytes(file)
        kind = kind_of(content[:HEAD])
        if content and kind is None:
            raise DataError(
                f"{file} begins as no font does ({content[:8]!r}); expected TrueType or OpenType. "
                "Fetch it again, or remove it"
            )
        if kind not in _FONTS:
            raise ValueError("of another kind")  # which `reading` names
        top, bottom = ImageFont.truetype(BytesIO(content), 100).getbbox("0")[1::2]
        size = round(100 * HEIGHT / max(bottom - top, 1))
        return ImageFont.truetype(BytesIO(content), max(1, size))
