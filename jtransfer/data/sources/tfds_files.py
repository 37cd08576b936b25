"""Images of several labels that TensorFlow Datasets prepared, such as `voc/2007`.

Tried on small sets that were prepared with the features of `voc/2007`, not yet on that itself.
"""

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.prepared import Prepared, open_prepared
from jtransfer.files.names import plain_name
from jtransfer.files.reading import read_bytes
from jtransfer.files.writing import write_bytes

_FEATURES = {
    "image": "Image",
    "image/filename": "Text",
    "labels": "Sequence(ClassLabel)",
    "labels_no_difficult": "Sequence(ClassLabel)",
}


def load_tfds_files(what: str, split: str, root: Path) -> ImageFiles:
    """Take the images of a prepared set out of it, as they are, and list them.

    They are written to `<root>/tfds/<what>/<version>/images/<split>/` when they are first asked
    for, which takes as much disk again as the set; later only what is missing or differs is. Where
    several images of a split have one name, the later ones get their positions in front of it.

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
    parts = split.split("+")
    prepared = open_prepared(what, parts, root)
    missing = [name for name in _FEATURES if name not in prepared.features]
    if missing:
        raise DataError(
            f"tfds:{what} has no {' and no '.join(missing)}; expected images of several labels, as "
            f"those of voc. It has {sorted(prepared.features)}. Choose another data set, or read "
            "it by load"
        )
    for name, kind in _FEATURES.items():
        if prepared.kind(name) != kind:
            wanted = "a sequence of ClassLabel" if kind.startswith("Sequence") else kind
            raise DataError(
                f"tfds:{what} has {name} of the kind {prepared.kind(name)}; expected {wanted}. "
                "Choose another data set"
            )
    classes = prepared.classes("labels")
    paths: list[Path] = []
    labels: list[np.ndarray] = []
    for part in parts:
        names = [_only(each, "image/filename", prepared) for each in _read(prepared, part)]
        folder = _within(prepared, part)
        files = [folder / name for name in _distinct(names, prepared)]
        for path, example in zip(files, _read(prepared, part), strict=True):
            labels.append(_signs(example, len(classes), prepared))
            _keep(_only(example, "image", prepared), path)
        paths += files
    if not any((signs == 1).any() for signs in labels):
        raise DataError(
            f"tfds:{what} has no label in its split {split!r} (those of VOC2012's test images are "
            "not published); expected labelled images. Choose another split"
        )
    return ImageFiles(tuple(paths), np.stack(labels), classes, f"tfds:{what}")


def _read(prepared: Prepared, split: str) -> Iterable[dict[str, list[Any]]]:
    return prepared.read(split, *_FEATURES)


def _only(example: dict[str, list[Any]], name: str, prepared: Prepared) -> bytes:
    if len(example[name]) != 1 or not isinstance(example[name][0], bytes):
        raise DataError(
            f"tfds:{prepared.what} has an example with {len(example[name])} values of {name}; "
            f"expected one. It is damaged: remove it. {prepared.remedy}"
        )
    return example[name][0]


def _within(prepared: Prepared, split: str) -> Path:
    """Where the images of a split are written, which is no link to a place of other files."""
    folder = prepared.folder / "images" / split
    if folder.resolve() != prepared.folder.resolve() / "images" / split:
        raise DataError(
            f"{folder} leads to {folder.resolve()}; expected a folder of the prepared set, or "
            "none, since images are written there under the names that the set gives them. Remove "
            "the link, and take the set from a place that you trust"
        )
    return folder


def _distinct(names: list[bytes], prepared: Prepared) -> list[str]:
    """A name of its own for every image, also on disks that tell fewer names apart than others."""
    taken: set[str] = set()
    distinct = []
    for position, written in enumerate(names):
        try:
            name = plain_name(Path(written.decode()).name)
        except ValueError as error:  # no text among them
            raise DataError(
                f"tfds:{prepared.what} has an image named {written!r} ({error}); expected the name "
                f"of a file. Remove the set. {prepared.remedy}"
            ) from error
        while _as_on_disk(name) in taken:
            name = f"{position}_{name}"
        taken.add(_as_on_disk(name))
        distinct.append(name)
    return distinct


def _as_on_disk(name: str) -> str:
    """The name where capitals are taken for small letters, and an é for another one."""
    return unicodedata.normalize("NFC", name).casefold()


def _signs(example: dict[str, list[Any]], classes: int, prepared: Prepared) -> np.ndarray:
    signs = np.full(classes, -1, np.int32)
    for value, name in ((0, "labels"), (1, "labels_no_difficult")):
        for label in example[name]:
            if not (isinstance(label, int) and 0 <= label < classes):
                raise DataError(
                    f"tfds:{prepared.what} has the label {label} in {name}; expected 0 to "
                    f"{classes - 1}. Remove the set. {prepared.remedy}"
                )
            signs[label] = value
    return signs


def _keep(image: bytes, path: Path) -> None:
    """Write an image unless it is there, whole even if the process is killed."""
    try:
        if path.is_file() and path.stat().st_size == len(image) and read_bytes(path) == image:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, image)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}); expected room and leave to write the "
            "images of the prepared set beside it. Make room, or copy the set to a data root of "
            "your own"
        ) from error
