"""How a net wants its images, as a feed cuts them."""

from typing import Literal

from jtransfer.data.feeds.crops import Crop
from jtransfer.nets.weights.preprocessing import Preprocessing


def crop_of(preprocessing: Preprocessing, *, views: Literal[1, 10] = 1) -> Crop:
    """The crop of a preprocessing; its normalisation goes into the program.

    Args:
      preprocessing: such as `pretrained(name).preprocessing`.
      views: 1 for the centre, or 10 of each image.
    """
    return Crop(preprocessing.resize, preprocessing.size, views, preprocessing.interpolation)
