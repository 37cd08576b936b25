"""What the timed steps work on: their sizes and random arrays of them, the same for all rivals."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Arrays = dict[str, dict[str, np.ndarray]]
"""Fields of each domain, such as {"source": {"image": ..., "label": ...}}."""

DIGITS = 4096  # images a domain that are held in memory
PHOTOS = 256
RAMP = 0.5  # what a run ramps up from 0 to 1: lambda, the weight of the guesses


@dataclass(frozen=True)
class Size:
    """How large a step is.

    Attributes:
      batch: examples of a domain.
      pixels: side of the images; 0 for what are none.
      channels: of the images.
      classes: that are told apart.
      width: share of the net's channels, where it has such a setting.
      domains: how many the batch holds examples of.
    """

    batch: int
    pixels: int = 0
    channels: int = 3
    classes: int = 10
    width: float = 1.0
    domains: int = 1

    @property
    def examples(self) -> int:
        """Of all domains in a step."""
        return self.batch * self.domains

    def in_words(self) -> str:
        """Such as 64 + 64 of 32x32x3."""
        number = " + ".join([str(self.batch)] * self.domains)
        return f"{number} of {self.pixels}x{self.pixels}x{self.channels}" if self.pixels else number


Pixels = Literal["centred", "standardised", "plain", "imagenet"]
"""By the domain's mean; each image by itself; in 0..1; by ImageNet's mean and deviation."""


def random_images(size: Size) -> Arrays:
    """Source and target, the target without labels; what they show does not matter."""
    random = np.random.default_rng(0)
    count = max(PHOTOS if size.pixels > 64 else DIGITS, size.batch)
    shape = (size.domains, count, size.pixels, size.pixels, size.channels)
    images = random.integers(0, 256, shape, np.uint8)
    labels = random.integers(0, size.classes, count, np.int32)
    arrays = {"source": {"image": images[0], "label": labels}}
    return arrays if size.domains == 1 else {**arrays, "target": {"image": images[1]}}


def random_floats(size: Size) -> np.ndarray:
    """Images as a net takes them, float32."""
    shape = (size.batch, size.pixels, size.pixels, size.channels)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def random_features(size: Size) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features and labels of as many images as AwA1 has dimensions, and the classes' signatures."""
    random = np.random.default_rng(0)
    features = random.normal(size=(DIGITS, 2252)).astype(np.float32)
    labels = random.integers(0, size.classes, DIGITS, np.int32)
    signatures = random.normal(size=(size.classes, 85)).astype(np.float32)
    return {"feature": features, "label": labels}, signatures


def random_speech(size: Size) -> dict[str, Any]:
    """Log-mel frames of utterances of up to .98 s, their masks and labels."""
    random = np.random.default_rng(0)
    frames = random.normal(size=(DIGITS, 98, 40)).astype(np.float32)
    mask = np.arange(98) < random.integers(30, 99, (DIGITS, 1))
    return {"image": (frames, mask), "label": random.integers(0, size.classes, DIGITS, np.int32)}
