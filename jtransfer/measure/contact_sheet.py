"""A picture of what retrieval finds: queries, and beside each its nearest images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtransfer.measure.canvas import (
    INK,
    MUTED,
    SOURCE,
    TARGET,
    new_figure,
    png_path,
    save,
    shorten,
)

# All in pixels, for the pictures are copied pixel by pixel.
_CELL, _FRAME, _GAP, _LABEL = 112, 4, 10, 20
_MARGIN, _TITLE, _HEADING, _APART = 24, 52, 30, 16
_STEP = _CELL + 2 * _FRAME + _GAP
_DASH = 8
_DPI = 100


def contact_sheet_figure(
    queries: tuple[NDArray[np.uint8], NDArray],
    neighbours: tuple[NDArray[np.uint8], NDArray],
    path: str | Path,
    *,
    classes: Sequence[str],
    title: str = "Nearest images",
) -> None:
    """Draw a row for each query: the query, then its neighbours, each marked as right or wrong.

    A neighbour of the query's class has a whole blue frame and a tick, one of another class a
    dashed orange frame and a cross: told apart by hue, lightness and form, with or without colours.

    Args:
      queries: images [q, height, width, 3] uint8 and labels [q] integers.
      neighbours: images [q, k, height, width, 3] uint8, nearest first, and labels [q, k].
      path: the PNG to write, 130 * (k + 1) + 54 pixels wide.
      classes: name of each class.
      title: heading of the figure.

    Raises:
      ValueError: if a shape or type is not the one above, or a label has no class name.
    """
    path = png_path(path)
    images, labels = _checked("queries", queries, 4, classes)
    found, found_labels = _checked("neighbours", neighbours, 5, classes)
    if len(found) != len(images):
        raise ValueError(
            f"{len(images)} queries and neighbours of {len(found)}, expected the neighbours of "
            "each query"
        )
    columns = found.shape[1] + 1
    width = 2 * _MARGIN + columns * _STEP - _GAP + _APART
    height = _TITLE + _HEADING + len(images) * (_LABEL + _STEP) + _MARGIN // 2
    figure = new_figure(width / _DPI, height / _DPI, dpi=_DPI)

    def write(x: float, y: float, text: str, **style: object) -> None:
        figure.text(x / width, 1 - y / height, text, va="center", **style)  # pyright: ignore[reportArgumentType]

    def left(column: int) -> int:
        return _MARGIN + column * _STEP + (_APART if column else 0)

    def draw(row: int, column: int, image: NDArray, name: str, colour: str, dashed: bool) -> None:
        top = _TITLE + _HEADING + row * (_LABEL + _STEP)
        middle = left(column) + _CELL / 2 + _FRAME
        write(middle, top + _LABEL / 2, shorten(name, 16), fontsize=9, color=colour, ha="center")
        tile = framed(image, colour, dashed=dashed)
        # figimage copies pixels; an axes would resample them.
        figure.figimage(tile, left(column), height - (top + _LABEL + len(tile)))

    heading = shorten(title, width // 14)
    write(_MARGIN, _TITLE / 2 + 4, heading, fontsize=15, fontweight="bold", color=INK)
    write(left(0), _TITLE + _HEADING / 2, "query", fontsize=11, color=MUTED)
    key = "nearest first:  ✓ of its class   ✗ of another"
    write(left(1), _TITLE + _HEADING / 2, key, fontsize=11, color=MUTED)
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        draw(row, 0, image, str(classes[label]), INK, False)
        for column, (other, other_label) in enumerate(
            zip(found[row], found_labels[row], strict=True), start=1
        ):
            right = other_label == label
            name = f"{'✓' if right else '✗'} {classes[other_label]}"
            draw(row, column, other, name, SOURCE if right else TARGET, not right)
    save(figure, path)


def framed(image: NDArray[np.uint8], colour: str, *, dashed: bool) -> NDArray[np.uint8]:
    """The image [height, width, 3] scaled to a square cell, within a frame."""
    from matplotlib.colors import to_rgb
    from PIL import Image

    side = _CELL + 2 * _FRAME
    tile = np.full((side, side, 3), np.round(255 * np.array(to_rgb(colour))), np.uint8)
    if dashed:
        gaps = np.arange(side) // _DASH % 2 == 1
        tile[gaps] = tile[:, gaps] = 255
    scaled = Image.fromarray(image).resize((_CELL, _CELL), Image.Resampling.LANCZOS)
    tile[_FRAME:-_FRAME, _FRAME:-_FRAME] = np.asarray(scaled)
    return tile


def _checked(
    name: str, given: tuple[NDArray, NDArray], axes: int, classes: Sequence[str]
) -> tuple[NDArray[np.uint8], NDArray]:
    images, labels = (np.asarray(part) for part in given)
    expected = "[q, height, width, 3]" if axes == 4 else "[q, k, height, width, 3]"
    if images.ndim != axes or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images of the {name} are {images.dtype} {images.shape}, expected uint8 {expected}; "
            "give them as decoded, before they are scaled for the net"
        )
    if not images.size or labels.shape != images.shape[:-3]:
        raise ValueError(
            f"the {name} have images {images.shape} and labels {labels.shape}, expected at least "
            "one image and one label an image"
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            f"labels of the {name} run from {labels.min()} to {labels.max()}, but there are "
            f"{len(classes)} class names; give a name for each class"
        )
    return images, labels
