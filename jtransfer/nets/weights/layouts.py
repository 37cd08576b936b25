"""How arrays lie in PyTorch's files, and how in the trees of our nets; each from the other.

A convolution's kernel is [out, in / groups, height, width] there and [height, width, in / groups,
out] here, with or without groups; a linear layer's is [out, in] there and [in, out] here. Where a
linear layer reads maps, these are flattened in the order [channels, height, width] there and
[height, width, channels] here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

Conversion = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Layout:
    """Two ways of laying out one array.

    Attributes:
      to_ours: from an array as the file has it to the leaf; of an array whose shape does not fit,
        anything that a leaf's shape then refuses, but no error.
      to_theirs: from a leaf to the array of the file.
    """

    to_ours: Conversion
    to_theirs: Conversion


def from_torch(weights: np.ndarray) -> np.ndarray:
    """[out, in, height, width] to [height, width, in, out], [out, in] to [in, out]; others stay."""
    return weights if weights.ndim < 2 else np.moveaxis(weights, (1, 0), (-2, -1))


def to_torch(weights: np.ndarray) -> np.ndarray:
    """[height, width, in, out] to [out, in, height, width], [in, out] to [out, in]; others stay."""
    return weights if weights.ndim < 2 else np.moveaxis(weights, (-2, -1), (1, 0))


def from_torch_flat(weights: np.ndarray, *, maps: tuple[int, int, int]) -> np.ndarray:
    """[out, in] of a linear layer to [in, out], where `in` are maps that are flattened.

    Args:
      weights: [out, channels * height * width].
      maps: (channels, height, width).

    Returns:
      [height * width * channels, out]; weights of another size are only transposed.
    """
    if weights.ndim != 2 or weights.shape[1] != math.prod(maps):
        return from_torch(weights)
    outputs, inputs = weights.shape
    return from_torch(weights.reshape(outputs, *maps)).reshape(inputs, outputs)


def to_torch_flat(weights: np.ndarray, *, maps: tuple[int, int, int]) -> np.ndarray:
    """[in, out] of a linear layer to [out, in], where `in` are maps that are flattened.

    Args:
      weights: [height * width * channels, out], or a bias, which stays.
      maps: (channels, height, width).

    Returns:
      [out, channels * height * width].
    """
    if weights.ndim != 2:
        return weights
    channels, height, width = maps
    inputs, outputs = weights.shape
    return to_torch(weights.reshape(height, width, channels, outputs)).reshape(outputs, inputs)


def flat_layout(maps: tuple[int, int, int]) -> Layout:
    """Of a linear layer that reads flattened maps of (channels, height, width)."""
    return Layout(partial(from_torch_flat, maps=maps), partial(to_torch_flat, maps=maps))


def leading_layout(axes: int) -> Layout:
    """Of a leaf that has so many more axes of length 1 in front in the file: class tokens."""
    return Layout(
        partial(_without_leading, axes=axes), lambda leaf: leaf.reshape((1,) * axes + leaf.shape)
    )


def _without_leading(array: np.ndarray, *, axes: int) -> np.ndarray:
    return array.reshape(array.shape[axes:]) if array.shape[:axes] == (1,) * axes else array


# Kernels, and vectors of any kind.
WEIGHTS = Layout(from_torch, to_torch)
# What lies the same here and there: embeddings, and matrices that are used without transposing.
AS_IT_IS = Layout(np.asarray, np.asarray)
