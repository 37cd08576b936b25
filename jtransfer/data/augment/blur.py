"""Blur of many pictures, each by an amount of its own."""

import numpy as np


def blurred(
    pictures: np.ndarray, down: np.ndarray, across: np.ndarray, *, reach: int
) -> np.ndarray:
    """Gaussian blur, edges repeated.

    Args:
      pictures: [n, height, width, c] float32.
      down: [n] standard deviations along the height in pixels, above 0.
      across: [n] standard deviations along the width.
      reach: pixels to each side that the blur looks at.

    Returns:
      [n, height, width, c] float32.
    """
    for axis, sigma in ((1, down), (2, across)):
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma[:, None]) ** 2)
        taps = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
        widths = [(0, 0)] * 4
        widths[axis] = (reach, reach)
        padded = np.pad(pictures, widths, mode="edge")
        side = pictures.shape[axis]
        pictures = np.zeros_like(pictures)
        for shift in range(2 * reach + 1):
            shifted = padded.take(range(shift, shift + side), axis=axis)
            pictures += shifted * taps[:, shift, None, None, None]
    return pictures
