"""Positions learned on one grid of patches, interpolated to another as their publishers do."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

Publisher = Literal["timm", "huggingface", "dinov2"]


@dataclass(frozen=True)
class Resampling:
    """A bicubic interpolation.

    Attributes:
      antialias: whether the kernel is widened where the grid gets smaller, with a = -1/2 as Pillow
        has it; if not, it reads four points with a = -3/4.
      offset: added to the number of patches before the ratio of the grids is taken.
    """

    antialias: bool
    offset: float = 0.0


RESAMPLING: dict[Publisher, Resampling] = {
    # `resample_abs_pos_embed`. So do open_clip, and DINOv2 with registers both in its own code and
    # in transformers.
    "timm": Resampling(antialias=True),
    # `interpolate_pos_encoding` of transformers' ViT, DINOv2 and CLIP.
    "huggingface": Resampling(antialias=False),
    # `interpolate_pos_encoding` of DINO and DINOv2 (without registers) in Meta's own code.
    "dinov2": Resampling(antialias=False, offset=0.1),
}


def resample_positions(
    positions: jax.Array, grid: tuple[int, int], resampling: Resampling
) -> jax.Array:
    """Interpolate positions of a square grid to another grid; to the same, they stay.

    Args:
      positions: [side, side, width].
      grid: rows and columns of patches.
      resampling: the interpolation.

    Returns:
      [rows, columns, width].
    """
    if positions.shape[:2] == grid:
        return positions
    rows, columns = (
        jnp.asarray(bicubic_weights(positions.shape[0], size, resampling)) for size in grid
    )
    return jnp.einsum("ih,jw,hwc->ijc", rows, columns, positions).astype(positions.dtype)


def bicubic_weights(source: int, target: int, resampling: Resampling) -> np.ndarray:
    """The weight of every point of a line in every point of its interpolation.

    Args:
      source: number of points that are there.
      target: number of points that are wanted.
      resampling: the interpolation (Keys 1981, with another `a` each).

    Returns:
      [target, source] float32, rows of sum 1.
    """
    step = source / (target + resampling.offset)
    centres = (np.arange(target)[:, None] + 0.5) * step
    if resampling.antialias:
        stretch = max(step, 1.0)
        distances = (np.arange(source)[None] + 0.5 - centres) / stretch
        weights = _cubic(distances, -0.5)
        weights /= weights.sum(axis=1, keepdims=True)
        return weights.astype(np.float32)
    first = np.floor(centres - 0.5) - 1
    weights = np.zeros((target, source))
    for tap in range(4):
        read = first + tap  # beyond an end, the end is read
        near = _cubic(read + 0.5 - centres, -0.75)
        index = np.clip(read, 0, source - 1).astype(int)
        np.add.at(weights, (np.arange(target)[:, None], index), near)
    return weights.astype(np.float32)


def _cubic(distances: np.ndarray, a: float) -> np.ndarray:
    """Keys' kernel: 1 at 0, 0 at all other whole numbers and beyond 2."""
    x = np.abs(distances)
    inner = ((a + 2) * x - (a + 3)) * x**2 + 1
    outer = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))
