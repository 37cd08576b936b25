"""Round signs with a red border, for tests of what changes them."""

import numpy as np
from PIL import Image, ImageDraw

RED, BLACK = (220, 30, 40, 255), (0, 0, 0, 255)
SIDE = 120


def ring(width, *, symbol=None):
    """A red ring around white ground, `symbol` [left, top, right, bottom] black."""
    picture = Image.new("RGBA", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((10, 10, 109, 109), fill="white", outline=RED, width=width)
    if symbol:
        draw.rectangle(symbol, fill=BLACK)
    return picture


def dark(picture):
    """Where a picture is black and opaque."""
    pixels = np.asarray(picture)
    return (pixels[..., :3].max(axis=-1) < 128) & (pixels[..., 3] > 128)
