"""Reading back the figures that tests have drawn."""

from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from jtransfer.data.sources.decoding import read_rgb


def pixels_of(file: Path) -> NDArray[np.uint8]:
    """The picture in `file`, [height, width, 3]."""
    return np.asarray(read_rgb(file))


def drawn_in(file: Path, colour: str) -> NDArray[np.bool_]:
    """Where something is drawn in just that colour, [height, width]."""
    wanted = np.round(np.multiply(255, to_rgb(colour)))
    return np.abs(pixels_of(file).astype(int) - wanted).max(axis=-1) < 16
