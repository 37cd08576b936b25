"""Bringing the images of different domains to one size, number of channels and value range."""

from dataclasses import replace

import numpy as np

from jtransfer.data.examples import DataError, Examples


def fit(examples: Examples, *, size: int, channels: int = 3) -> Examples:
    """Square images of one size, grey repeated over the channels.

    28x28 images become 32x32 by a border of two dark pixels, as MNIST's digits stand in MNIST-M's
    published images; any other size is resized (bilinear with antialiasing).

    Args:
      examples: images [n, height, width, 1 or 3].
      size: side of the result in pixels.
      channels: of the result, 1 or 3.

    Returns:
      Examples with images [n, size, size, channels] uint8.

    Raises:
      DataError: if colour would have to become grey.
    """
    images = examples.images
    if images.shape[-1] > channels:
        raise DataError(
            f"{examples.name}: images have {images.shape[-1]} channels; expected at most "
            f"{channels}. Ask for {images.shape[-1]} channels"
        )
    if images.shape[1:3] == (28, 28) and size == 32:
        images = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    elif images.shape[1:3] != (size, size):
        images = resize(images, size)
    if images.shape[-1] < channels:
        images = np.repeat(images, channels, axis=-1)
    return replace(examples, images=images)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resize uint8 images [n, height, width, channels] to [n, size, size, channels]."""
    from PIL import Image

    resized = np.empty((len(images), size, size, images.shape[-1]), np.uint8)
    for position, image in enumerate(images):
        grey = image.shape[-1] == 1
        picture = Image.fromarray(image[..., 0] if grey else image)
        pixels = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
        resized[position] = pixels[..., None] if grey else pixels
    return resized


def to_bytes(images: np.ndarray, *, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Spread values from `low` to `high` over 0 to 255, rounded to uint8; the shape stays.

    Raises:
      DataError: if a value lies outside, or is none.
    """
    if not low < high:
        raise DataError(f"values from {low} to {high}; expected the lower end first")
    if images.size and not (images.min() >= low and images.max() <= high):
        raise DataError(
            f"images hold values from {images.min()} to {images.max()}; expected {low} to {high}. "
            "Name the range that they have by low and high"
        )
    return np.rint((images - low) * (255 / (high - low))).astype(np.uint8)
