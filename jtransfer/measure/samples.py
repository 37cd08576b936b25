"""A picture of what each domain looks like."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtransfer.measure.canvas import INK, MUTED, new_figure, png_path, save, shorten

# All in pixels, for the pictures are copied pixel by pixel.
_CELL, _GAP, _LABEL = 96, 8, 20
_MARGIN, _TITLE, _HEADING = 24, 52, 40
_DPI = 100


def samples_figure(
    domains: Mapping[str, tuple[NDArray[np.uint8], NDArray]],
    path: str | Path,
    *,
    classes: Sequence[str],
    columns: int = 12,
    rows: int = 2,
    title: str = "Samples of each domain",
) -> None:
    """Draw a block of pictures for each domain, the class above each picture.

    Pictures are magnified by a whole number (nearest pixel), so that they stay crisp; only those
    wider than 96 pixels are reduced.

    Args:
      domains: for each name of a domain its images [n, height, width, channels] uint8, with 1 or 3
        channels, and labels [n] integers. The first columns * rows are drawn; give them shuffled.
      path: the PNG to write, 104 * columns + 40 pixels wide.
      classes: name of each class.
      columns: pictures in a row.
      rows: most rows of a domain.
      title: heading of the figure.

    Raises:
      ValueError: if there is no domain, a shape or type is not the one above, or a label has no
        class name.
    """
    path = png_path(path)
    if not domains or columns < 1 or rows < 1:
        raise ValueError(
            f"{len(domains)} domains, columns={columns}, rows={rows}: expected at least 1 of each"
        )
    blocks = {
        name: _checked(name, images, labels, classes) for name, (images, labels) in domains.items()
    }
    blocks = {
        name: (images[: columns * rows], labels[: columns * rows])
        for name, (images, labels) in blocks.items()
    }
    step = _LABEL + _CELL + _GAP
    width = 2 * _MARGIN + columns * (_CELL + _GAP) - _GAP
    height = _TITLE + _MARGIN // 2
    height += sum(_HEADING + -(-len(labels) // columns) * step for _, labels in blocks.values())

    figure = new_figure(width / _DPI, height / _DPI, dpi=_DPI)

    def write(x: float, y: float, text: str, **style: object) -> None:
        figure.text(x / width, 1 - y / height, text, va="center", **style)  # pyright: ignore[reportArgumentType]

    write(
        _MARGIN,
        _TITLE / 2 + 4,
        shorten(title, width // 14),
        fontsize=15,
        fontweight="bold",
        color=INK,
    )
    top = _TITLE
    for name, (images, labels) in blocks.items():
        write(_MARGIN, top + _HEADING / 2 + 4, shorten(name, width // 11), fontsize=12, color=INK)
        top += _HEADING
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            row, column = divmod(index, columns)
            left, line = _MARGIN + column * (_CELL + _GAP), top + row * step
            text = shorten(str(classes[label]), 12)
            middle = left + _CELL / 2
            write(middle, line + _LABEL / 2, text, fontsize=9, color=MUTED, ha="center")
            tile = _tile(image)
            free_y, free_x = (_CELL - tile.shape[0]) // 2, (_CELL - tile.shape[1]) // 2
            bottom = height - (line + _LABEL + free_y + tile.shape[0])
            # figimage copies pixels; an axes would resample them.
            figure.figimage(tile, left + free_x, bottom)
        top += -(-len(labels) // columns) * step
    save(figure, path)


def _tile(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image [height, width, channels] as RGB, as large as fits a cell."""
    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    side = max(image.shape[:2])
    if side > _CELL:
        from PIL import Image

        reduced = Image.fromarray(image)
        reduced.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        return np.asarray(reduced)
    factor = _CELL // side
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _checked(
    name: str, images: NDArray, labels: NDArray, classes: Sequence[str]
) -> tuple[NDArray[np.uint8], NDArray]:
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
        raise ValueError(
            f"images of {name!r} are {images.dtype} {images.shape}, expected uint8 [n, height, "
            f"width, 1 or 3]; give them as stored, before they are scaled for the net"
        )
    if not images.size or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{name!r} has images {images.shape} and labels {labels.shape}, expected at least one "
            f"image and one label an image"
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            f"labels of {name!r} run from {labels.min()} to {labels.max()}, but there are "
            f"{len(classes)} class names; give a name for each class"
        )
    return images, labels
