"""Data sets prepared by TensorFlow Datasets, read without TensorFlow.

Preparing a set needs TensorFlow (`pip install "jtransfer[prepare]"`) and the network, once:

    python -m jtransfer.data.sources.tfds svhn_cropped --data-root data
"""

import io
import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.sources.image_opening import decoded
from jtransfer.data.sources.prepared import FORMAT, Prepared, open_prepared
from jtransfer.files.memory import require_memory

_CHANNELS = {1: "L", 3: "RGB"}
_READ = ("a PNG image", "a JPEG image")


def load_tfds(what: str, split: str, root: Path) -> Examples:
    """Read a prepared set of labelled images below `<root>/tfds/`.

    Nothing that the set's files name is imported or run, and images are decoded as PNG or JPEG.

    Args:
      what: its name, with the configuration if it has several: `svhn_cropped`, `voc/2007`.
      split: name of the split.
      root: the data root.

    Returns:
      Images [n, height, width, 1 or 3] of the feature `image`, classes of the feature `label`.

    Raises:
      DataError: if the set is not prepared, is in another format or damaged, or has no such split
        or features, or its images differ in size.
    """
    prepared = open_prepared(what, [split], root)
    missing = [name for name in ("image", "label") if name not in prepared.features]
    if missing:
        raise DataError(
            f"tfds:{what} has no {' and no '.join(missing)}; expected labelled images. It has "
            f"{sorted(prepared.features)}. Choose another data set, or read it by load_files if "
            "its images have `labels`"
        )
    for name, kind in (("image", "Image"), ("label", "ClassLabel")):
        if prepared.kind(name) != kind:
            raise DataError(
                f"tfds:{what} has a{'n' * (name == 'image')} {name} of the kind "
                f"{prepared.kind(name)}; expected {kind}, one an example. Choose another data set"
            )
    classes = prepared.classes("label")
    examples = prepared.read(split, "image", "label")
    images, labels = _decoded(examples, prepared, split)
    return Examples(images, labels, classes, f"tfds:{what}")


def _decoded(
    examples: Iterable[dict[str, list[Any]]], prepared: Prepared, split: str
) -> tuple[np.ndarray, np.ndarray]:
    count = prepared.count(split)
    images = np.empty((0, 1, 1, 1), np.uint8)
    labels: list[int] = []
    for position, example in enumerate(examples):
        if len(example["image"]) != 1 or len(example["label"]) != 1:
            raise DataError(
                f"tfds:{prepared.what}: example {position} has {len(example['image'])} images and "
                f"{len(example['label'])} labels; expected one of each. {prepared.remedy}"
            )
        labels += example["label"]
        image = _decode(example["image"][0], prepared, position, images.shape[1:3])
        if not position:
            needed = count * image.size
            require_memory(needed, f"tfds:{prepared.what}, {count:,} images,", error=DataError)
            images = np.empty((count, *image.shape), np.uint8)
        images[position] = image
    return images, np.array(labels, np.int64)


def _decode(
    content: bytes, prepared: Prepared, position: int, sizes: tuple[int, ...]
) -> np.ndarray:
    """An image [height, width, 1 or 3], of the sizes that those before it have."""
    what = f"tfds:{prepared.what}: image {position}"
    channels, depth = _pixels(prepared)
    if channels not in _CHANNELS or depth != "uint8":
        raise DataError(
            f"tfds:{prepared.what} has images of {channels} channels of {depth}; expected 1 or 3 "
            "of uint8. Choose another data set, or convert it to an .npz archive"
        )
    with decoded(
        io.BytesIO(content),
        what,
        kinds=_READ,
        damaged=prepared.remedy,
    ) as image:
        width, height = image.size
        if position and (height, width) != sizes:
            raise DataError(
                f"{what} is {height} x {width}, those before it {sizes[0]} x {sizes[1]}; "
                "expected one shape. Resize them into a folder or an .npz archive first"
            )
        require_memory(height * width * channels, what, error=DataError)
        pixels = np.asarray(image.convert(_CHANNELS[channels]))
    return pixels.reshape(height, width, channels)


def _pixels(prepared: Prepared) -> tuple[int, str]:
    """Channels and type of the pixels, by the features' description."""
    described = prepared.features["image"].get("image", {})
    dimensions = described.get("shape", {}).get("dimensions", [3])
    return int(dimensions[-1]), described.get("dtype", "uint8")


def prepare(name: str, *, data_root: Path | None = None) -> None:
    """Download a data set and write it where `load` finds it, in a format that needs no TensorFlow.

    Args:
      name: of the data set in TensorFlow Datasets, such as svhn_cropped.
      data_root: the data root; by default the environment's JTRANSFER_DATA, else `data`.

    Raises:
      SystemExit: if TensorFlow is not installed.
    """
    if find_spec("tensorflow") is None:
        raise SystemExit(
            f"preparing {name} needs TensorFlow, which is not installed; reading it will not. "
            'Install it by: pip install "jtransfer[prepare]"'
        )
    import tensorflow_datasets as tfds

    root = Path(data_root or os.environ.get("JTRANSFER_DATA") or "data").expanduser()
    builder = tfds.builder(name, data_dir=root / "tfds", file_format=FORMAT)
    builder.download_and_prepare()
    print(f"{name} is ready: tfds:{name} with the data root {root}")


if __name__ == "__main__":
    import tyro

    tyro.cli(prepare, config=(tyro.conf.PositionalRequiredArgs,))
