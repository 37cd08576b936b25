"""A picture of what attributes images are taken to have."""

from collections.abc import Mapping
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
from jtransfer.measure.contact_sheet import framed

# All in pixels, for the pictures are copied pixel by pixel.
_TILE, _GAP, _LINE = 120, 38, 17
_MARGIN, _TITLE, _HEADING, _BELOW = 24, 52, 34, 16
_DPI = 100


def attribute_sheet_figure(
    blocks: Mapping[str, tuple[NDArray[np.uint8], NDArray[np.str_], NDArray[np.str_]]],
    path: str | Path,
    *,
    columns: int = 8,
    title: str = "Predicted attributes",
) -> None:
    """Draw images with their predicted attributes, wrong ones marked and followed by the true one.

    An image without a mistake has a whole blue frame; one with a mistake a dashed orange frame, and
    a cross in front of what is wrong.

    Args:
      blocks: for each heading images [n, height, width, 3] uint8, predicted attributes [n, groups]
        and true ones [n, groups] in words; all images are drawn.
      path: the PNG to write, 158 * columns + 48 pixels wide.
      columns: images in a row.
      title: heading of the figure.

    Raises:
      ValueError: if there is no image, or a shape or type is not the one above.
    """
    path = png_path(path)
    if not blocks or columns < 1:
        raise ValueError(f"{len(blocks)} blocks, columns={columns}; expected at least 1 of each")
    for name, (images, predicted, true) in blocks.items():
        _check(name, images, predicted, true)
    width = 2 * _MARGIN + columns * (_TILE + _GAP)
    height = _TITLE + _MARGIN // 2
    for images, predicted, _ in blocks.values():
        rows = -(-len(images) // columns)
        height += _HEADING + rows * (_TILE + predicted.shape[1] * _LINE + _BELOW)
    figure = new_figure(width / _DPI, height / _DPI, dpi=_DPI)

    def write(x: float, y: float, text: str, **style: object) -> None:
        figure.text(x / width, 1 - y / height, text, va="center", **style)  # pyright: ignore[reportArgumentType]

    heading = shorten(title, width // 13)
    write(_MARGIN, _TITLE / 2 + 4, heading, fontsize=15, fontweight="bold", color=INK)
    top = _TITLE
    for name, (images, predicted, true) in blocks.items():
        write(_MARGIN, top + _HEADING / 2, shorten(name, width // 9), fontsize=11, color=MUTED)
        top += _HEADING
        step = _TILE + predicted.shape[1] * _LINE + _BELOW
        for index, image in enumerate(images):
            row, column = divmod(index, columns)
            left, line = _MARGIN + column * (_TILE + _GAP), top + row * step
            wrong = predicted[index] != true[index]
            tile = framed(image, TARGET if wrong.any() else SOURCE, dashed=bool(wrong.any()))
            # figimage copies pixels; an axes would resample them.
            figure.figimage(tile, left, height - (line + _TILE))
            for number, (word, other) in enumerate(zip(predicted[index], true[index], strict=True)):
                missed = bool(wrong[number])
                write(
                    left + 2,
                    line + _TILE + (number + 0.6) * _LINE,
                    shorten(f"✗ {word}, is {other}" if missed else f"✓ {word}", 22),
                    fontsize=9,
                    fontweight="bold" if missed else "normal",
                    color=TARGET if missed else INK,
                )
        top += -(-len(images) // columns) * step
    save(figure, path)


def _check(name: str, images: NDArray, predicted: NDArray, true: NDArray) -> None:
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        raise ValueError(
            f"images of {name!r} are {images.dtype} {images.shape}; expected uint8 "
            "[n, height, width, 3], at least one; give them as stored"
        )
    if predicted.ndim != 2 or predicted.shape != true.shape or len(predicted) != len(images):
        raise ValueError(
            f"{name!r} has {len(images)} images, predicted attributes {predicted.shape} and true "
            f"ones {true.shape}; expected [n, groups] of both"
        )
