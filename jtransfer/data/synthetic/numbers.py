"""Drawn numbers: digits of many fonts under changing pose, colour and blur.

In the manner of SYN NUMBERS (Ganin & Lempitsky, ICML 2015, section 4.1): texts of one to three
digits with varying position, orientation, background and stroke colours and amount of blur; the
label is the digit in the centre. Cropped numbers fill the image with that digit, as where someone
drew a box around each, and have the bold and uneven strokes of painted numbers. All of it is NumPy
on arrays of images.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jtransfer.data.augment.blur import blurred
from jtransfer.data.examples import Examples
from jtransfer.data.synthetic.glyphs import (
    HEIGHT,
    bolder,
    digit_masks,
    fonts_below,
    sampled,
    shipped_fonts,
)
from jtransfer.data.synthetic.sizes import require_drawable

SIDE = 32
_REACH = 3  # of the blur in pixels
_CHUNK = 1024  # images drawn at a time
_SIZES = {"train": 20_000, "test": 2_000}
_BOLDER = (0, 1)  # pixels by which strokes of cropped numbers grow on either side
_LEAST_CONTRAST = 0.25  # between ink and background, of the range from black to white
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, eq=False)
class DrawnNumbers:
    """Drawn numbers and what they were drawn by: several labels an image.

    Attributes:
      examples: images [n, 32, 32, 3] and their digits, classes "0" to "9".
      fonts: [n] int32, positions in `font_names`.
      angles: [n] float32, degrees by which the text is turned clockwise; normal, of deviation 12.
      font_names: names of the font files, without their ending.
    """

    examples: Examples
    fonts: np.ndarray
    angles: np.ndarray
    font_names: tuple[str, ...]


def load_numbers(
    split: str,
    *,
    size: int | None = None,
    seed: int = 0,
    fonts: Path | None = None,
    cropped: bool = False,
) -> Examples:
    """Draw numbers: the images of `draw_numbers` and their digits."""
    return draw_numbers(split, size=size, seed=seed, fonts=fonts, cropped=cropped).examples


def draw_numbers(
    split: str,
    *,
    size: int | None = None,
    seed: int = 0,
    fonts: Path | None = None,
    cropped: bool = False,
) -> DrawnNumbers:
    """Draw numbers, and tell the font and the rotation of each.

    Args:
      split: "train" or "test"; the same seed draws other images for each.
      size: number of images; by default 20,000 to train and 2,000 to test.
      seed: of everything that is drawn.
      fonts: folder of fonts to use besides those that matplotlib ships.
      cropped: whether the digit fills the image, whatever its shape, in strokes of several weights
        that bend a little.

    Raises:
      DataError: if `size` is not positive, or the folder has no usable fonts.
    """
    size = _SIZES[split] if size is None else size
    require_drawable(size, "drawn numbers", side=SIDE)
    files = shipped_fonts() + (fonts_below(fonts) if fonts is not None else ())
    masks, widths = digit_masks(files)
    if cropped:
        weights = [bolder(masks, widths, pixels) for pixels in _BOLDER]
        masks, widths = (np.concatenate(parts) for parts in zip(*weights, strict=True))
    random = np.random.default_rng((seed, ("train", "test").index(split)))
    images = np.empty((size, SIDE, SIDE, 3), np.uint8)
    labels = random.integers(0, 10, size, np.int32)
    font, angles = np.empty(size, np.int32), np.empty(size, np.float32)
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        ink, font[part], radians = _draw(labels[part], masks, widths, random, cropped=cropped)
        angles[part] = np.rad2deg(radians)
        images[part] = _photograph(_paint(ink, random), random)
    classes = tuple(str(digit) for digit in range(10))
    name = "synthetic:cropped_numbers" if cropped else "synthetic:numbers"
    examples = Examples(images, labels, classes, name)
    return DrawnNumbers(examples, font % len(files), angles, tuple(file.stem for file in files))


def _draw(
    labels: np.ndarray,
    masks: np.ndarray,
    widths: np.ndarray,
    random: np.random.Generator,
    *,
    cropped: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texts around the labelled digits in random poses: their ink, fonts and rotation.

    Returns:
      ink: [n, SIDE, SIDE] from 0 to 1.
      font: [n] integers, positions in `masks`.
      angle: [n] in radians, clockwise.
    """
    count = len(labels)
    font = random.integers(len(masks), size=count)
    height = random.uniform(16, 30, count)  # of the digits in pixels
    angle = random.normal(0, np.deg2rad(12), count)
    shear = random.normal(0, 0.25, count)
    stretch = random.uniform(0.6, 1.4, count)  # across, against up and down
    shift = random.uniform(-3, 3, (2, count))
    own = widths[font, labels]
    if cropped:
        height = random.uniform(26, 33, count)
        width = random.uniform(0.65, 1.05, count) * SIDE
        stretch = np.minimum(width * HEIGHT / (own * height), 2.5)
        shift = random.uniform(-1.5, 1.5, (2, count))
    # From pixels of the image, relative to the digit's centre, to pixels of its cell.
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, 1, -1) - (SIDE - 1) / 2
    down, across = rows - shift[0][:, None], columns - shift[1][:, None]
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    scale = (HEIGHT / height)[:, None]
    v = scale * (cosine * down - sine * across)
    u = scale * (sine * down + cosine * across) / stretch[:, None] - shear[:, None] * v

    if cropped:
        v, u = _bent(v, u, random)
    ink = sampled(masks[font, labels], v, u)
    for side in (-1, 1):
        there = random.random(count) < 0.4
        neighbour = random.integers(0, 10, count)
        gap = random.uniform(1, 5, count)
        distance = side * ((own + widths[font, neighbour]) / 2 + gap)
        where = np.flatnonzero(there)
        beside = sampled(
            masks[font[where], neighbour[where]], v[where], u[where] - distance[where, None]
        )
        ink[where] = np.maximum(ink[where], beside)
    return ink.reshape(count, SIDE, SIDE), font, angle


def _bent(
    v: np.ndarray, u: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions [n, p] moved by waves of random directions, lengths and phases."""
    moved = []
    for place in (v, u):
        slope = random.normal(0, 0.2, (2, len(v), 1))  # radians a pixel
        phase = random.uniform(0, 2 * np.pi, (len(v), 1))
        height = random.uniform(0, 1.5, (len(v), 1))
        moved.append(place + height * np.sin(slope[0] * v + slope[1] * u + phase))
    return moved[0], moved[1]


def _paint(ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Colour ink and a background that fades from one colour to another: [n, SIDE, SIDE, 3]."""
    count = len(ink)
    ground = random.random((count, 3), np.float32)
    stroke = random.random((count, 3), np.float32)
    # Too faint: darken a stroke on light ground, lighten one on dark ground. A third is what keeps
    # the least contrast even on medium grey.
    faint = np.abs((ground - stroke) @ _LUMA) < _LEAST_CONTRAST
    light = (ground[faint] @ _LUMA > 0.5)[:, None]
    stroke[faint] = np.where(light, stroke[faint] / 3, 1 - (1 - stroke[faint]) / 3)
    fade = random.normal(0, 0.15, (count, 2, 3)).astype(np.float32)
    slope = np.linspace(-0.5, 0.5, SIDE, dtype=np.float32)
    background = (
        ground[:, None, None]
        + fade[:, None, None, 0] * slope[:, None, None]
        + fade[:, None, None, 1] * slope[:, None]
    )
    weight = ink[..., None]
    return background * (1 - weight) + stroke[:, None, None] * weight


def _photograph(pictures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Blur each picture by an amount of its own, add noise, and round to uint8."""
    count = len(pictures)
    sigma = random.uniform(0.3, 1.3, count)
    pictures = blurred(pictures, sigma, sigma, reach=_REACH)
    noise = random.normal(0, 1, pictures.shape[:3]).astype(np.float32)[..., None]
    strength = random.uniform(0, 0.06, count).astype(np.float32)[:, None, None, None]
    return np.rint(255 * np.clip(pictures + strength * noise, 0, 1)).astype(np.uint8)
