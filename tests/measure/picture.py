"""Reading back the figures that tests have drawn."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels_of(file: Path) -> NDArray[np.uint8]:
    """The picture in `file`, [height, width, 3]."""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))
