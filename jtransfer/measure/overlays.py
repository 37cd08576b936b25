"""A picture of masks: images, what is there, what is guessed, and where the two differ."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtransfer.measure.canvas import DPI, INK, PALETTE, fit_title, new_figure, png_path, save

_HEADINGS = ("image", "true", "guessed", "wrong")
_INCH = 2.3  # the width of an image
_WRONG = np.array([200, 69, 63], np.uint8)


def overlays_figure(
    images: NDArray[np.uint8],
    masks: NDArray,
    guesses: NDArray,
    path: str | Path,
    *,
    classes: Sequence[str],
    ignored: int | None = None,
    title: str = "Classes of pixels",
) -> None:
    """Draw a row for each image: it, its true classes, the guessed ones, and what is wrong.

    Pixels without a class are white, and never wrong.

    Args:
      images: [n, height, width, 3] uint8.
      masks: true classes [n, height, width].
      guesses: guessed classes of the same shape.
      path: the PNG to write.
      classes: name of each class.
      ignored: number in the masks of pixels without a class.
      title: heading of the figure.

    Raises:
      ValueError: if the shapes do not fit each other, or a number has no class name.
    """
    path = png_path(path)
    images, masks, guesses = (np.asarray(each) for each in (images, masks, guesses))
    if images.ndim != 4 or not masks.shape == guesses.shape == images.shape[:3] or not len(images):
        raise ValueError(
            f"images {images.shape}, masks {masks.shape} and guesses {guesses.shape}; expected "
            "[n, height, width, 3] and a class for every pixel, of at least one image"
        )
    judged = np.ones(masks.shape, bool) if ignored is None else masks != ignored
    highest = max(int(masks[judged].max(initial=0)), int(guesses.max()))
    if highest >= len(classes):
        raise ValueError(
            f"there is a class {highest} and {len(classes)} class names; expected a name for each"
        )
    colours = _colours(len(classes))
    true = np.where(judged[..., None], colours[np.where(judged, masks, 0)], 255).astype(np.uint8)
    guessed = colours[guesses]
    faint = (128 + images.mean(axis=-1, keepdims=True) / 2).astype(np.uint8)
    wrong = np.where((judged & (guesses != masks))[..., None], _WRONG, faint)
    rows, (high, wide) = len(images), images.shape[1:3]
    width, cell = 4 * _INCH, _INCH * high / wide
    heading = fit_title(title, width, points=13)
    top, bottom = 0.55 + 0.24 * len(heading.splitlines()), 0.35 * -(-len(classes) // 6) + 0.2
    height = top + rows * cell + bottom
    figure = new_figure(width, height, dpi=DPI)
    figure.text(0.1 / width, 1 - 0.12 / height, heading, va="top", color=INK, fontsize=13)
    for column, name in enumerate(_HEADINGS):
        place = (column + 0.5) / 4, 1 - (top - 0.08) / height
        figure.text(*place, name, ha="center", va="bottom", color=INK, fontsize=10)
    for row, shown in enumerate(zip(images, true, guessed, wrong, strict=True)):
        for column, pixels in enumerate(shown):
            left, low = column * _INCH, bottom + (rows - 1 - row) * cell
            box = left / width, low / height, (_INCH - 0.06) / width, (cell - 0.06) / height
            axes = figure.add_axes(box)
            axes.imshow(pixels, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
    _legend(figure, classes, colours, bottom / height)
    save(figure, path)


def _colours(count: int) -> NDArray[np.uint8]:
    """One a class; past those of the palette the same ones, darker each time."""
    from matplotlib.colors import to_rgb

    shades = [
        np.array(to_rgb(PALETTE[number % len(PALETTE)])) * 0.6 ** (number // len(PALETTE))
        for number in range(count)
    ]
    return np.round(255 * np.array(shades)).astype(np.uint8)


def _legend(figure, classes: Sequence[str], colours: NDArray[np.uint8], top: float) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=colour / 255, label=name)
        for name, colour in zip(classes, colours, strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, top),
        ncols=6,
        frameon=False,
        fontsize=9,
    )
