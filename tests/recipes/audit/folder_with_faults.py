"""A folder of striped images whose classes are told apart by the stripes' direction."""

from pathlib import Path

import numpy as np
from PIL import Image

from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from tests.data.intake.folders import encoded, fill, picture

CLASSES = ("across", "down")


def stripes(direction: str, seed: int) -> Image.Image:
    random = np.random.default_rng([seed, CLASSES.index(direction)])
    wave = np.sin(np.arange(64) * random.uniform(0.3, 0.6) + random.uniform(0, 6))
    pixels = np.broadcast_to(wave if direction == "down" else wave[:, None], (64, 64))
    ground = np.asarray(picture(int(random.integers(1 << 31)), size=(64, 64)), np.float32)
    return Image.fromarray((pixels[..., None] * 50 + ground).clip(0, 255).astype(np.uint8))


def folder_with_faults(root: Path) -> Path:
    """Splits train and test of 12 and 6 images a class; one label wrong, one leak, one damaged."""
    files = {
        f"{split}/{name}/{number}.png": stripes(name, seed)
        for name in CLASSES
        for split, count, first in (("train", 12, 0), ("test", 6, 100))
        for number, seed in enumerate(range(first, first + count))
    }
    files["train/across/wrong.png"] = stripes("down", 200)
    leaked = stripes("down", 3).resize((50, 50), Image.Resampling.LANCZOS)
    return fill(
        root,
        {
            **files,
            "test/down/leaked.jpg": encoded(leaked, "JPEG", quality=80),
            "train/down/damaged.png": encoded(stripes("down", 300))[:2000],
        },
    )


def directions(files: ImageFiles) -> np.ndarray:
    """Features [n, 2]: how much neighbours differ along each side."""
    (batch,) = (images for _, images in image_batches(files, Crop(32, 32), batch=len(files)))
    grey = batch.mean(axis=3)
    return np.stack(
        [np.abs(np.diff(grey, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)], axis=1
    ).astype(np.float32)
