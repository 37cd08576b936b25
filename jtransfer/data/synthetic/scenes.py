"""Drawn scenes: coloured shapes on photographs, with the class of every pixel."""

import numpy as np

from jtransfer.data.masks import MaskedImages
from jtransfer.data.synthetic.photos import random_patches, shipped_photos
from jtransfer.data.synthetic.sizes import require_drawable

CLASSES = ("ground", "disc", "square", "triangle", "ring")
SIDE = 96
SPLITS = {"train": 240, "val": 60, "test": 120}  # and how many images each has
_MOST = 4  # shapes in an image


def load_scenes(split: str, *, size: int | None = None, seed: int = 0) -> MaskedImages:
    """Draw one to four shapes at random places on patches of scikit-learn's two photographs.

    Training patches come from the upper half of the photographs, the others from the lower. Shapes
    are turned, of any colour, lit from one side, and may cover each other.

    Args:
      split: "train", "val" or "test"; the same seed draws other images for each.
      size: number of images; by default 240, 60 and 120.
      seed: of everything that is drawn.

    Returns:
      Images and masks of 96 x 96 pixels, of five classes, every pixel with one.

    Raises:
      DataError: if `size` is not positive or too large.
    """
    size = SPLITS[split] if size is None else size
    require_drawable(size, "drawn scenes", side=SIDE)
    random = np.random.default_rng((seed, list(SPLITS).index(split)))
    images = random_patches(shipped_photos(split), size, random, side=SIDE).astype(np.float32)
    masks = np.zeros((size, SIDE, SIDE), np.uint8)
    for image, mask in zip(images, masks, strict=True):
        for _ in range(random.integers(1, _MOST + 1)):
            _draw(image, mask, random)
    images += random.normal(0, 4, images.shape)
    pixels = np.rint(np.clip(images, 0, 255)).astype(np.uint8)
    return MaskedImages(pixels, masks, CLASSES, None, f"synthetic:scenes:{split}")


def _draw(image: np.ndarray, mask: np.ndarray, random: np.random.Generator) -> None:
    """One shape, onto an image and its mask."""
    number = random.integers(1, len(CLASSES))
    radius = random.uniform(8, 22)
    middle = random.uniform(0.5 * radius, SIDE - 0.5 * radius, 2)
    angle, light = random.uniform(0, 2 * np.pi, 2)
    down, across = (np.mgrid[:SIDE, :SIDE] - middle[:, None, None]) / radius
    v = np.cos(angle) * down - np.sin(angle) * across
    u = np.sin(angle) * down + np.cos(angle) * across
    inside = _inside(CLASSES[number], v, u)
    shade = 1 + 0.3 * (np.cos(light) * down + np.sin(light) * across)
    colour = random.uniform(20, 235, 3)
    image[inside] = (shade[..., None] * colour)[inside]
    mask[inside] = number


def _inside(shape: str, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Where a shape of radius 1 is, by coordinates from its middle."""
    distance = np.hypot(v, u)
    if shape == "disc":
        return distance < 1
    if shape == "ring":
        return (distance < 1) & (distance > 0.55)
    if shape == "square":
        return np.maximum(abs(v), abs(u)) < 0.8
    # A triangle of three equal sides: below its lower side, and within the two others.
    return (v < 0.5) & (abs(u) < (v + 1) / np.sqrt(3))
