"""Images of several labels that TensorFlow Datasets prepared, such as `voc/2007`.

Tried on small sets that were prepared with the features of `voc/2007`, not yet on that itself.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.tfds import damage_named, open_prepared

_FEATURES = ("image", "image/filename", "labels", "labels_no_difficult")


def load_tfds_files(what: str, split: str, root: Path) -> ImageFiles:
    """Take the images of a prepared set out of it, as they are, and list them.

    They are written to `<root>/tfds/<what>/<version>/images/<split>/` when they are first asked
    for, which takes as much disk again as the set; later only what is missing is.

    Args:
      what: the set's name, such as `voc/2007`.
      split: name of the split, or of several: `train+validation` is VOC's trainval.
      root: the data root.

    Returns:
      The files in the order of the set, with labels [n, classes]: 1 for what is in the feature
      `labels_no_difficult`, 0 for what is in `labels` alone, -1 for the rest.

    Raises:
      DataError: if the set is not prepared, is in another format or damaged, or has no such split
        or features; if no image has a label; or if the images cannot be written.
    """
    import tensorflow_datasets as tfds

    parts = split.split("+")
    builder = open_prepared(what, parts, root)
    features = builder.info.features
    missing = [name for name in _FEATURES if name not in features]
    if missing:
        raise DataError(
            f"tfds:{what} has no {' and no '.join(missing)}; expected images of several labels, as "
            f"those of voc. It has {sorted(features)}. Choose another data set, or read it by load"
        )
    kind = getattr(features["labels"], "feature", None)
    if not isinstance(kind, tfds.features.ClassLabel):
        raise DataError(
            f"tfds:{what} has labels of the kind {features['labels']}; expected a sequence of "
            "ClassLabel. Choose another data set"
        )
    classes = tuple(kind.names)
    folder = Path(builder.data_dir)
    paths: list[Path] = []
    labels: list[np.ndarray] = []
    for part in parts:
        with damage_named(folder, what, root):
            records = builder.as_data_source(part, decoders={"image": tfds.decode.SkipDecoding()})
        for position in range(len(records)):
            with damage_named(folder, what, root):
                record = records[position]
                labels.append(_signs(record, len(classes)))
            paths.append(folder / "images" / part / Path(record["image/filename"].decode()).name)
            _keep(record["image"], paths[-1])
    if not any((signs == 1).any() for signs in labels):
        raise DataError(
            f"tfds:{what} has no label in its split {split!r} (those of VOC2012's test images are "
            "not published); expected labelled images. Choose another split"
        )
    return ImageFiles(tuple(paths), np.stack(labels), classes, f"tfds:{what}")


def _signs(record: dict[str, Any], classes: int) -> np.ndarray:
    signs = np.full(classes, -1, np.int32)
    for value, name in ((0, "labels"), (1, "labels_no_difficult")):
        signs[np.asarray(record[name], int)] = value
    return signs


def _keep(image: bytes, path: Path) -> None:
    """Write an image unless it is there, whole even if the process is killed."""
    if path.is_file() and path.stat().st_size == len(image):
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(image)
        unfinished.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}); expected room and leave to write the "
            "images of the prepared set beside it. Make room, or copy the set to a data root of "
            "your own"
        ) from error
