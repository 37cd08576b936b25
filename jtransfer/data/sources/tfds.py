"""Data sets prepared by TensorFlow Datasets, read without TensorFlow.

Preparing a set needs TensorFlow (`pip install "jtransfer[prepare]"`) and the network, once:

    python -m jtransfer.data.sources.tfds svhn_cropped --data-root data
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError, Examples

_FORMAT = "array_record"  # the one that is read by position, without TensorFlow


def load_tfds(what: str, split: str, root: Path) -> Examples:
    """Read a prepared set of labelled images below `<root>/tfds/`.

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
    import tensorflow_datasets as tfds

    builder = open_prepared(what, [split], root)
    features = builder.info.features
    missing = [name for name in ("image", "label") if name not in features]
    if missing:
        raise DataError(
            f"tfds:{what} has no {' and no '.join(missing)}; expected labelled images. It has "
            f"{sorted(features)}. Choose another data set, or read it by load_files if its images "
            "have `labels`"
        )
    if not isinstance(features["label"], tfds.features.ClassLabel):
        raise DataError(
            f"tfds:{what} has a label of the kind {type(features['label']).__name__}; expected "
            "ClassLabel, one class an image. Choose another data set"
        )
    with damage_named(Path(builder.data_dir), what, root):
        pairs = [(record["image"], record["label"]) for record in builder.as_data_source(split)]
        shapes = {image.shape for image, _ in pairs}
    if len(shapes) > 1:
        raise DataError(
            f"tfds:{what} has images of {len(shapes)} different shapes; expected one. "
            "Resize them into a folder or an .npz archive first"
        )
    images = np.stack([image for image, _ in pairs]) if pairs else np.empty((0, 1, 1, 1), np.uint8)
    labels = np.array([label for _, label in pairs], np.int32)
    return Examples(images, labels, tuple(features["label"].names), f"tfds:{what}")


def open_prepared(what: str, splits: Iterable[str], root: Path) -> Any:
    """The builder of a prepared set, which is at hand in the format that needs no TensorFlow.

    Args:
      what: its name, as for `load_tfds`.
      splits: names of splits, all of which it must have.
      root: the data root.

    Raises:
      DataError: if the set is not prepared, is in another format or damaged, or lacks a split.
    """
    import tensorflow_datasets as tfds

    folder = _newest_version(root / "tfds" / what)
    if folder is None:
        raise DataError(
            f"found no prepared data set {what} in {root / 'tfds'}; expected "
            f"{root / 'tfds' / what}/<version>/dataset_info.json. {_how_to_prepare(what, root)}"
        )
    with damage_named(folder, what, root):
        builder: Any = tfds.builder_from_directory(folder)
    written = builder.info.file_format
    if written is None or written.value != _FORMAT:
        raise DataError(
            f"{folder} was written as {written and written.value}; expected {_FORMAT}, which can "
            f"be read without TensorFlow. Remove it. {_how_to_prepare(what, root)}"
        )
    for split in splits:
        if split not in builder.info.splits:
            raise DataError(
                f"tfds:{what} has no split {split!r}; it has {sorted(builder.info.splits)}. "
                "Choose one of these"
            )
    return builder


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
    builder = tfds.builder(name, data_dir=root / "tfds", file_format=_FORMAT)
    builder.download_and_prepare()
    print(f"{name} is ready: tfds:{name} with the data root {root}")


@contextmanager
def damage_named(folder: Path, what: str, root: Path) -> Iterator[None]:
    """Say which prepared set it is, and how to prepare it anew, if it cannot be read."""
    try:
        yield
    # What a damaged set raises is the affair of three libraries: RuntimeError from array_record,
    # ParseError from protobuf, JSONDecodeError, or AttributeError where a record comes back empty.
    except Exception as error:
        raise DataError(
            f"{folder} cannot be read ({error}); expected a whole prepared data set. It is "
            f"truncated or damaged: remove it. {_how_to_prepare(what, root)}"
        ) from error


def _newest_version(folder: Path) -> Path | None:
    found = [file.parent for file in folder.glob("*/dataset_info.json")]
    return max(found, key=lambda path: _version(path.name), default=None)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def _how_to_prepare(what: str, root: Path) -> str:
    return (
        'Prepare it once by: pip install "jtransfer[prepare]" && '
        f"python -m jtransfer.data.sources.tfds {what} --data-root {root}"
    )


if __name__ == "__main__":
    import tyro

    tyro.cli(prepare, config=(tyro.conf.PositionalRequiredArgs,))
