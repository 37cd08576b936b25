"""Pictograms of a folder, ready to be drawn: one picture a class on transparent ground."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.decoding import read_rgba
from jtransfer.files.listing import entries
from jtransfer.files.memory import require_memory

if TYPE_CHECKING:
    from PIL.Image import Image

SIGN = 48  # longer side of a pictogram in pixels
CELL = 56  # side of its square, with transparent ground all around
_FINE = 3  # pictograms are worked on at this multiple of their size
_RIM = 4  # width of the white rim, in fine pixels
VARIANTS = 8  # four widths of the strokes, each without and with a white rim


def read_pictograms(
    folder: Path,
    edit: Callable[[Mapping[str, "Image"]], Mapping[str, "Image"]] | None = None,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read `<folder>/<class>.png`, in order of the classes.

    Signs of one class differ in the boldness of their strokes and in whether they have a white rim,
    so each pictogram gives several variants.

    Args:
      folder: of one .png file a class; names that are numbers (`07.png`) are taken as numbers.
      edit: change of the pictures {class: RGBA picture}, all of one size; None for none.

    Returns:
      cells: [classes, VARIANTS, CELL, CELL, 4] float32, red, green and blue times opacity, and
        opacity, all from 0 to 1; the pictogram in the middle, its longer side SIGN pixels.
      classes: names of the classes.

    Raises:
      DataError: if the folder has no .png, two of them name one class, or one cannot be read or is
        wholly transparent; or if they would not fit into memory.
    """
    files = [file for file in entries(folder, error=DataError) if file.suffix.lower() == ".png"]
    if not files:
        raise DataError(
            f"found no pictograms (.png) in {folder}; expected one a class, such as 00.png, on "
            "transparent ground. Put them there, or name the right data root by --data-root or "
            "JTRANSFER_DATA"
        )
    numbers = all(file.stem.isdecimal() for file in files)
    files.sort(key=lambda file: (int(file.stem), file.stem) if numbers else file.stem)
    classes = tuple(str(int(file.stem)) if numbers else file.stem for file in files)
    for number in range(1, len(files)):
        first, second, name = *files[number - 1 : number + 1], classes[number]
        if name == classes[number - 1]:
            raise DataError(
                f"{first} and {second} both name the class {name}; expected one pictogram a "
                "class. Remove one"
            )
    needed = len(files) * VARIANTS * CELL**2 * 4 * 4  # four float32 a pixel
    require_memory(needed, f"{len(files):,} pictograms of {folder}", error=DataError)
    pictures = {name: _read(file) for name, file in zip(classes, files, strict=True)}
    edited = pictures if edit is None else edit(pictures)
    return np.stack([_variants(edited[name]) for name in classes]), classes


def _read(file: Path) -> "Image":
    """The visible part of a pictogram in the middle of a fine cell, RGBA."""
    from PIL import Image

    picture = read_rgba(file, kinds=("a PNG image",))
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise DataError(
            f"{file} is wholly transparent; expected a pictogram. Draw one, or remove the file"
        )
    picture = picture.crop(box)
    scale = _FINE * SIGN / max(picture.size)
    width, height = (max(1, round(scale * side)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    cell = Image.new("RGBA", (_FINE * CELL, _FINE * CELL))
    cell.paste(picture, ((cell.width - width) // 2, (cell.height - height) // 2))
    return cell


def _variants(picture: "Image") -> np.ndarray:
    """Bolder and thinner strokes, with and without a rim: [VARIANTS, CELL, CELL, 4]."""
    from PIL import Image, ImageFilter

    opacity = picture.getchannel("A")
    rim = opacity.filter(ImageFilter.MaxFilter(2 * _RIM + 1))
    cells = []
    # Dark strokes grow where each pixel becomes the darkest of its neighbourhood; what lies outside
    # must not grow into the sign.
    for ground, grow in (
        ("black", ImageFilter.MaxFilter(3)),
        ("white", None),
        ("white", ImageFilter.MinFilter(3)),
        ("white", ImageFilter.MinFilter(5)),
    ):
        colours = Image.new("RGB", picture.size, ground)
        colours.paste(picture.convert("RGB"), mask=opacity)
        colours = colours if grow is None else colours.filter(grow)
        alpha = _numbers(opacity)[..., None]
        white = _numbers(rim)[..., None]
        plain = np.concatenate([alpha * _numbers(colours), alpha], axis=-1)
        rimmed = plain + (1 - alpha) * np.repeat(white, 4, axis=-1)
        cells += [plain, rimmed]
    fine = np.stack(cells).reshape(VARIANTS, CELL, _FINE, CELL, _FINE, 4)
    return fine.mean(axis=(2, 4), dtype=np.float32)


def _numbers(image: "Image") -> np.ndarray:
    return np.asarray(image, np.float32) / 255
