"""Small folders of drawn images."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from jtransfer.data.intake.image_folder import ImageFolder


def picture(seed: int, *, size: tuple[int, int] = (48, 36), mode: str = "RGB") -> Image.Image:
    """Blocks of colours that only this seed has, [width, height] pixels."""
    blocks = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    drawn = Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)
    return drawn.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    """An image as a file's content."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def fill(root: Path, files: Mapping[str, bytes | Image.Image | None]) -> Path:
    """Write files by their names relative to a folder; None for a picture of its own."""
    for number, (name, content) in enumerate(files.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = picture(1000 + number) if content is None else content
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return root


def classes(*names: str, images: int = 3) -> dict[str, None]:
    """Names of files in folders of classes."""
    return {f"{name}/{number}.png": None for name in names for number in range(images)}


def label_names(folder: ImageFolder) -> list[str]:
    """Name of the class of each file."""
    return [folder.label_name(row) for row in range(len(folder))]
