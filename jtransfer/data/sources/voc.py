"""The PASCAL Visual Object Classes as published: images that show several of twenty classes.

Everingham et al., IJCV 2010. The lists of `ImageSets/Main` say of every class and image whether it
is shown (1), not shown (-1), or shown by nothing but objects marked as difficult (0), which do not
count in training or testing. What is read here was tried on small sets written in this layout, not
yet on the published images.
"""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.files.listing import entries
from jtransfer.files.reading import read_text, reading

CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

_ADDRESS = "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/"
_UNPACK = "Unpack the archive again"
_ARCHIVES = ("VOCtrainval_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar")


def load_voc(what: str, split: str, root: Path) -> ImageFiles:
    """List the images of one split of `<root>/VOCdevkit/<what>/`; none is read.

    Args:
      what: name of the year's folder, such as `VOC2007`.
      split: "train", "val", "trainval" or "test", as far as their lists are there.
      root: the data root.

    Returns:
      The images in the order of the lists, `JPEGImages/<image>.jpg`, with labels [n, 20].

    Raises:
      DataError: if a folder or a class's list is missing, a line of it is no image and label, the
        lists name different images, or an image is not there.
    """
    folder = root / "VOCdevkit" / what
    lists, images = folder / "ImageSets" / "Main", folder / "JPEGImages"
    absent = f"expected the lists in {lists} and the images in {images}. {_how_to_get(root)}"
    written = [path.name for path in entries(lists, error=DataError, absent=absent)]
    there = {path.name for path in entries(images, error=DataError, absent=absent)}
    for name in CLASSES:
        if f"{name}_{split}.txt" not in written:
            known = [each[len(name) + 1 : -4] for each in written if each.startswith(f"{name}_")]
            raise DataError(
                f"found no {lists / name}_{split}.txt; expected a list of {name} for the split "
                f"{split!r}. Its lists there are of {known}. {_how_to_get(root)}"
            )
    signs = [_read(lists / f"{name}_{split}.txt") for name in CLASSES]
    for name, those in zip(CLASSES, signs, strict=True):
        differing = sorted(those.keys() ^ signs[0].keys())
        if differing:
            raise DataError(
                f"only one of {CLASSES[0]}_{split}.txt and {name}_{split}.txt in {lists} names "
                f"image {differing[0]}; expected the same images in the lists of all classes. "
                f"{_how_to_get(root)}"
            )
    missing = [image for image in signs[0] if f"{image}.jpg" not in there]
    if missing:
        raise DataError(
            f"{len(missing):,} of {len(signs[0]):,} images that {CLASSES[0]}_{split}.txt names are "
            f"not there, the first {images / missing[0]}.jpg; expected all. {_how_to_get(root)}"
        )
    labels = [[those[image] for those in signs] for image in signs[0]]
    paths = tuple(images / f"{image}.jpg" for image in signs[0])
    return ImageFiles(
        paths, np.array(labels, np.int32).reshape(-1, len(CLASSES)), CLASSES, f"voc:{what}"
    )


def _read(file: Path) -> dict[str, int]:
    """The sign of each image for a class."""
    with reading(file, "a list of images and signs", error=DataError, damaged=_UNPACK):
        lines = read_text(file).split("\n")
    signs: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 2 or fields[1] not in ("-1", "0", "1") or not _is_name(fields[0]):
            said = f"{line[:80]!r}{f' and so on, {len(line):,} long' if len(line) > 80 else ''}"
            raise DataError(
                f"{file}, line {number:,} is {said}; expected the name of an image, without "
                f"folder or suffix, and 1, 0 or -1, such as '000005 -1'. {_UNPACK}"
            )
        if fields[0] in signs:
            raise DataError(
                f"{file}, line {number:,} names {fields[0]} again; expected every image once. "
                f"{_UNPACK}"
            )
        signs[fields[0]] = int(fields[1])
    return signs


def _is_name(image: str) -> bool:
    """Whether it is the name of one file in the images' folder, and leads nowhere else."""
    return image not in (".", "..") and not set(image) & set("/\\\0")


def _how_to_get(root: Path) -> str:
    return (
        f"VOC2007 is {' and '.join(_ARCHIVES)} at {_ADDRESS}: unpack both by tar -xf ARCHIVE -C "
        f"{root}, or name the right data root by --data-root or JTRANSFER_DATA"
    )
