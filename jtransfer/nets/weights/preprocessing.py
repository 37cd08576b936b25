"""How images must come for a net's published weights to be worth anything."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp

Triple = tuple[float, float, float]
Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True)
class Preprocessing:
    """How the publisher prepared images at test time.

    The shorter side is scaled to `resize` pixels, the centre of `size` pixels is cut out, and
    (x / 255 - mean) / std is what the net takes. Scaling and cutting belong to the feed
    (`jtransfer.data.feeds.crops.Crop`); `normalise` goes into the program.

    Attributes:
      size: side of the square images in pixels.
      share: of the scaled image's shorter side that the crop takes.
      interpolation: of the scaling, antialiased.
      mean: of red, green and blue in 0..1, subtracted from the image.
      std: by which the difference is divided.
    """

    size: int
    share: float
    interpolation: Interpolation
    mean: Triple
    std: Triple

    @property
    def resize(self) -> int:
        """The shorter side of the scaled image in pixels: size / share, rounded down."""
        return math.floor(self.size / self.share)

    def at(self, size: int) -> "Preprocessing":
        """The same for images of another size."""
        return replace(self, size=size)

    def normalise(self, pixels: jax.Array) -> jax.Array:
        """What the net takes, of images as they are decoded.

        Args:
          pixels: [..., 3] uint8, or floats in 0..255.

        Returns:
          [..., 3] float32.
        """
        ends = (1,) * (pixels.ndim - 1) + (3,)
        mean, std = (jnp.array(each, jnp.float32).reshape(ends) for each in (self.mean, self.std))
        return (pixels.astype(jnp.float32) / 255 - mean) / std
