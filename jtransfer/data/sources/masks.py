"""Photographs beside their masks: two files of one name, or VOC's layout.

<root>/<what>/<split>/NAME.jpg     and NAME.png of class numbers, as camvid240 has them
<root>/VOCdevkit/<what>/           JPEGImages, SegmentationClass, ImageSets/Segmentation
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.masks import MaskedImages
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.data.sources.folder import SUFFIXES
from jtransfer.data.sources.image_opening import decoded
from jtransfer.data.sources.voc import CLASSES
from jtransfer.files.listing import entries
from jtransfer.files.memory import require_memory
from jtransfer.files.reading import open_regular, read_text, reading

if TYPE_CHECKING:
    from PIL.Image import Image

CAMVID = (
    *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car"),
    *("pedestrian", "bicyclist"),
)
_KNOWN = {"camvid240": (CAMVID, 11)}
_VOC = (("background", *CLASSES), 255)
_PNG = ("a PNG image",)


def load_masks(
    what: str,
    split: str,
    root: Path,
    *,
    classes: Sequence[str] | None = None,
    ignored: int | None = None,
    size: tuple[int, int] | None = None,
) -> MaskedImages:
    """Read the images of a split and their masks.

    Args:
      what: name of the folder, such as `camvid240`, or of a year of VOC, such as `VOC2012`.
      split: its own, such as "train", "val" or "test".
      root: the data root.
      classes: names of the classes; by default CamVid's or VOC's, or else their numbers.
      ignored: number of pixels without a class; by default 11 in CamVid and 255 in VOC, or none.
      size: (height, width) in pixels that images and masks are scaled to, masks by the nearest
        pixel; None where all are of one size.

    Raises:
      DataError: if a folder is missing, an image has no mask or a mask no image, one is of another
        size than the other, a mask is in colours or holds a number that is no class, sizes differ
        and none is given, or a file cannot be read.
    """
    voc = root / "VOCdevkit" / what
    if voc.is_dir():
        pairs, known = _voc_pairs(voc, split), _VOC
    else:
        pairs, known = _pairs(root / what, split), _KNOWN.get(what)
    images, masks = _read(pairs, size)
    ignored = known[1] if ignored is None and known else ignored
    if classes is None:
        classes = known[0] if known else _numbers(masks, ignored)
    return MaskedImages(images, masks, tuple(classes), ignored, f"masks:{what}:{split}")


def _numbers(masks: np.ndarray, ignored: int | None) -> tuple[str, ...]:
    there = np.flatnonzero(np.bincount(masks.ravel(), minlength=256))
    last = max((int(number) for number in there if number != ignored), default=0)
    return tuple(map(str, range(last + 1)))


def _pairs(folder: Path, split: str) -> list[tuple[Path, Path]]:
    absent = (
        f"expected {folder}/<split>/NAME.jpg beside NAME.png, its mask. Put them there, or name "
        "the right data root by --data-root or JTRANSFER_DATA"
    )
    splits = [path.name for path in entries(folder, error=DataError, absent=absent)]
    if split not in splits:
        raise DataError(
            f"{folder} has no split {split!r}; expected one of {', '.join(splits)}. Name one of "
            "these"
        )
    photographs: dict[str, Path] = {}
    masks: dict[str, Path] = {}
    for path in entries(folder / split, error=DataError):
        if path.suffix.lower() == ".png":
            masks[path.stem] = path
        elif path.suffix.lower() in SUFFIXES:
            photographs[path.stem] = path
    for ours, theirs, kind in ((photographs, masks, "mask"), (masks, photographs, "image")):
        lone = sorted(set(ours) - set(theirs))
        if lone:
            raise DataError(
                f"{len(lone):,} files of {folder / split} have no {kind} of their name, such as "
                f"{ours[lone[0]].name}; expected NAME.jpg and NAME.png of each. Add the {kind}s, "
                "or take these files away"
            )
    if not photographs:
        raise DataError(f"{folder / split} holds no images; expected NAME.jpg and NAME.png")
    return [(photographs[name], masks[name]) for name in sorted(photographs)]


def _voc_pairs(folder: Path, split: str) -> list[tuple[Path, Path]]:
    listed = folder / "ImageSets" / "Segmentation" / f"{split}.txt"
    with reading(
        listed,
        "a list of the split's images, a name a line",
        error=DataError,
        absent="Unpack the archive again, or name another split",
    ):
        names = read_text(listed).split()
    if not names:
        raise DataError(f"{listed} names no image; expected a name a line. Unpack it again")
    images, masks = folder / "JPEGImages", folder / "SegmentationClass"
    return [(images / f"{name}.jpg", masks / f"{name}.png") for name in names]


def _read(
    pairs: Sequence[tuple[Path, Path]], size: tuple[int, int] | None
) -> tuple[np.ndarray, np.ndarray]:
    from PIL.Image import Resampling

    images, masks = np.empty((0, 0, 0, 3), np.uint8), np.empty((0, 0, 0), np.uint8)
    for row, (photograph, mask_file) in enumerate(pairs):
        image, mask = read_rgb(photograph), _read_mask(mask_file)
        if image.size != mask.size:
            raise DataError(
                f"{mask_file} is {mask.width} x {mask.height} pixels and {photograph.name} "
                f"{image.width} x {image.height}; expected one size. Make the mask of this image"
            )
        if size is not None:
            across_down = size[1], size[0]
            image = image.resize(across_down, Resampling.BILINEAR)
            mask = mask.resize(across_down, Resampling.NEAREST)
        if not row:
            shape = (len(pairs), image.height, image.width)
            what = f"{len(pairs):,} images and masks of {image.width} x {image.height} pixels"
            require_memory(4 * int(np.prod(shape)), what, error=DataError)
            images, masks = np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8)
        if (image.height, image.width) != images.shape[1:3]:
            raise DataError(
                f"{photograph} is {image.width} x {image.height} pixels, the images before it "
                f"{images.shape[2]} x {images.shape[1]}; expected one size. Give the size that all "
                "are to be scaled to"
            )
        images[row], masks[row] = np.asarray(image), np.asarray(mask)
    return images, masks


def _read_mask(path: Path) -> "Image":
    """A mask of class numbers, grey or by a palette whose colours are not asked for."""
    with (
        reading(path, "a PNG image of class numbers", error=DataError, absent="Add the mask"),
        open_regular(path) as stream,
        decoded(stream, str(path), kinds=_PNG) as image,
    ):
        if image.mode not in ("L", "P"):
            raise DataError(
                f"{path} is in colours ({image.mode}); expected class numbers, grey or by a "
                "palette. Turn every colour into the number of its class"
            )
        return image.copy()
