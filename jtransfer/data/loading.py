"""One string names a data set: `scheme:what`."""

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.masks import MaskedImages
from jtransfer.data.sources.digits import load_digits
from jtransfer.data.sources.folder import load_folder
from jtransfer.data.sources.gtsrb import load_gtsrb, load_gtsrb_tracks
from jtransfer.data.sources.idx import load_idx
from jtransfer.data.sources.masks import load_masks as read_masks
from jtransfer.data.sources.mat import load_mat
from jtransfer.data.sources.npz import load_npz
from jtransfer.data.sources.speech import load_wav_folder
from jtransfer.data.sources.tiles import load_tiles
from jtransfer.data.sources.voc import load_voc
from jtransfer.data.synthetic.attribute_world import load_attribute_world
from jtransfer.data.synthetic.font_digits import load_blended_digits, load_font_digits
from jtransfer.data.synthetic.formants import synthetic_speech
from jtransfer.data.synthetic.mnist_m import load_mnist_m, subset
from jtransfer.data.synthetic.numbers import load_numbers
from jtransfer.data.synthetic.scenes import SPLITS as SCENES, load_scenes
from jtransfer.data.synthetic.signs import load_signs
from jtransfer.data.utterances import Utterances

Split = Literal["train", "test"]


def _load_tfds(what: str, split: str, root: Path) -> Examples:
    # Imported late: `python -m jtransfer.data.sources.tfds` must not find itself imported already.
    from jtransfer.data.sources.tfds import load_tfds

    return load_tfds(what, split, root)


def _list_tfds(what: str, split: str, root: Path) -> ImageFiles:
    from jtransfer.data.sources.tfds_files import load_tfds_files

    return load_tfds_files(what, split, root)


# Files under the data root, read as they are: {scheme: loader(what, split, root)}.
_STORED: dict[str, Callable[[str, str, Path], Examples]] = {
    "idx": load_idx,
    "npz": load_npz,
    "mat": load_mat,
    "gtsrb": load_gtsrb,
    "gtsrb_tracks": load_gtsrb_tracks,
    "tfds": _load_tfds,
    "tiles": load_tiles,
}
# Images of several labels, listed and not read: {scheme: loader(what, split, root)}.
_LISTED: dict[str, Callable[[str, str, Path], ImageFiles]] = {"tfds": _list_tfds, "voc": load_voc}
_KNOWN = (
    "idx:<folder>",
    "npz:<file>",
    "mat:<folder>",
    "tiles:<folder>",
    "gtsrb:<folder>",
    "gtsrb_tracks:<folder>",
    "tfds:<name>",
    "sklearn:digits",
    "synthetic:numbers",
    "synthetic:cropped_numbers",
    "synthetic:font_digits",
    "synthetic:blended_digits",
    "synthetic:mnist_m",
    "synthetic:signs",
    "pictograms:<folder>",
    "synthetic:attributes",
)


def load(
    name: str,
    split: Split,
    *,
    data_root: Path | str | None = None,
    size: int | None = None,
    seed: int = 0,
    classes: Sequence[str] | None = None,
) -> Examples:
    """Load one split of a named data set.

    Args:
      name: `idx:<folder>`, `npz:<file>`, `tfds:<name>`, `mat:<folder>` (SVHN), `tiles:<folder>`
        (10,000 of SVHN), `gtsrb:<folder>`, `gtsrb_tracks:<folder>`, `sklearn:digits`,
        `synthetic:numbers`, `synthetic:cropped_numbers`, `synthetic:font_digits`,
        `synthetic:blended_digits`, `synthetic:mnist_m`, `synthetic:signs`, `synthetic:attributes`
        or `pictograms:<folder>`.
      split: "train" or "test".
      data_root: where files are looked for; by default the environment's `JTRANSFER_DATA`, else
        `data`.
      size: how many images to make or, of stored ones, to draw; None for the source's own number.
      seed: of what is made or drawn.
      classes: which number the labels, so that those of two sets mean the same; None for the set's
        own.

    Raises:
      DataError: if the name is unknown, or what it names is missing or unusable, or has a class
        that is not among `classes`.
    """
    examples = _load(name, split, data_root, size, seed)
    return examples if classes is None else examples.with_classes(classes)


def _load(
    name: str, split: Split, data_root: Path | str | None, size: int | None, seed: int
) -> Examples:
    if split not in ("train", "test"):
        raise DataError(f"split {split!r} of {name}; expected 'train' or 'test'")
    if seed < 0:
        raise DataError(f"seed {seed} of {name}; expected 0 or more")
    root = data_folder(data_root)
    scheme, _, what = name.partition(":")
    if name in ("synthetic:numbers", "synthetic:cropped_numbers"):
        return load_numbers(split, size=size, seed=seed, cropped=what == "cropped_numbers")
    if name == "synthetic:font_digits":
        return load_font_digits(split, size=size, seed=seed)
    if name == "synthetic:blended_digits":
        return load_blended_digits(split, size=size, seed=seed)
    if name == "synthetic:attributes":
        return load_attribute_world(split, size=size, seed=seed)
    if name == "synthetic:mnist_m":
        return load_mnist_m(split, root, size=size, seed=seed)
    if name == "synthetic:signs":
        return load_signs(split, root, size=size, seed=seed)
    if scheme == "pictograms" and what:
        return load_signs(split, root, pictograms=what, size=size, seed=seed)
    if name == "sklearn:digits":
        examples = load_digits(split)
    elif scheme in _STORED and what:
        examples = _STORED[scheme](what, split, root)
    elif scheme in ("folder", "voc"):
        raise DataError(
            f"{name} has images of many sizes; expected a source that fits in memory "
            "as one array. List it by load_files and read it by image_batches"
        )
    elif scheme == "wav" or name == "synthetic:speech":
        raise DataError(f"{name} is sound; expected a source of images. Read it by load_speech")
    else:
        close = difflib.get_close_matches(name, _KNOWN, n=1, cutoff=0.0)[0]
        raise DataError(
            f"unknown data source {name!r}; expected one of {', '.join(_KNOWN)}. "
            f"Did you mean {close}?"
        )
    if size is None:
        return examples
    return examples.take(subset(len(examples), size, np.random.default_rng(seed)))


def load_files(
    name: str,
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    classes: Sequence[str] | None = None,
) -> ImageFiles:
    """List the images of a named set: `load` for images of many sizes, or too many for memory.

    Two folders need not have the same classes: give the second one the classes of the first, as in
    `load_files("folder:test", classes=train.classes)`, or check by `require_same_classes`.

    Args:
      name: `folder:<name>`, such as `folder:caltech101`, with one folder of images a class; or,
        of images that have several labels each, `voc:<name>`, such as `voc:VOC2007`, and
        `tfds:<name>`, such as `tfds:voc/2007`.
      split: one of the set's own ("trainval" of `voc:` is "train+validation" of `tfds:`); None for
        a folder, which has none.
      data_root: as in `load`.
      classes: which number the labels; one without images may be among them. None for the set's
        own, of a folder those that are there in the order of their names.

    Raises:
      DataError: if the name is of another kind, or what it names is missing, incomplete or
        malformed, or the split is not one of its own, or a class is not among `classes`.
    """
    scheme, _, what = name.partition(":")
    if scheme not in ("folder", *_LISTED) or not what:
        raise DataError(
            f"{name!r} names no folder of images; expected folder:<name>, voc:<name> or "
            "tfds:<name>, such as folder:caltech101, voc:VOC2007 or tfds:voc/2007. Other sources "
            "are read by load"
        )
    if scheme == "folder":
        if split is not None:
            raise DataError(
                f"split {split!r} of {name}, which has none; expected None. Split it by "
                "per_class_split"
            )
        return load_folder(what, data_folder(data_root), classes=classes)
    if split is None:
        raise DataError(
            f"{name} has splits, and none was given; expected one of them, such as 'train' or "
            "'test'"
        )
    listed = _LISTED[scheme](what, split, data_folder(data_root))
    return listed if classes is None else listed.with_classes(classes)


def load_speech(
    name: str, *, data_root: Path | str | None = None, rate: int | None = None
) -> Utterances:
    """Read the utterances of a named set, of all speakers.

    Args:
      name: `wav:<folder>`, such as `wav:fsdd`, a folder of `<label>_<speaker>_<index>.wav` or with
        a csv of path, label and speaker; or `synthetic:speech`, digits of six synthetic speakers.
      data_root: as in `load`.
      rate: samples a second; by default what most files have. Others are resampled.

    Raises:
      DataError: if the name is of another kind, or what it names is missing or unusable.
    """
    scheme, _, what = name.partition(":")
    if name == "synthetic:speech":
        made = synthetic_speech()
        return made if rate is None else made.resampled(rate)
    if scheme != "wav" or not what:
        raise DataError(
            f"{name!r} names no speech; expected wav:<folder>, such as wav:fsdd, or "
            "synthetic:speech"
        )
    return load_wav_folder(what, data_folder(data_root), rate=rate)


def load_masks(
    name: str,
    split: str,
    *,
    data_root: Path | str | None = None,
    size: tuple[int, int] | None = None,
    classes: Sequence[str] | None = None,
    ignored: int | None = None,
) -> MaskedImages:
    """Read the images of a named set that has a class for every pixel.

    Args:
      name: `masks:<folder>`, such as `masks:camvid240`, with `<split>/NAME.jpg` beside `NAME.png`;
        `masks:VOC2012` in VOC's own layout; or `synthetic:scenes`, drawn shapes on photographs.
      split: one of the set's own, such as "train", "val" or "test".
      data_root: as in `load`.
      size: (height, width) in pixels that images and masks are scaled to; None for their own, which
        then must be one.
      classes: their names; None for those that are known of the set, or else numbers.
      ignored: number of the pixels without a class; None for the set's own.

    Raises:
      DataError: if the name is of another kind, or what it names is missing, or images and masks
        do not fit each other.
    """
    if name == "synthetic:scenes":
        if split not in SCENES:
            raise DataError(f"split {split!r} of {name}; expected one of {', '.join(SCENES)}")
        return load_scenes(split)
    scheme, _, what = name.partition(":")
    if scheme != "masks" or not what:
        raise DataError(
            f"{name!r} names no images with masks; expected masks:<folder>, such as "
            "masks:camvid240 or masks:VOC2012, or synthetic:scenes"
        )
    root = data_folder(data_root)
    return read_masks(what, split, root, classes=classes, ignored=ignored, size=size)


def data_folder(data_root: Path | str | None) -> Path:
    """Where files are looked for: the given folder, else `JTRANSFER_DATA`, else `data`."""
    return Path(data_root or os.environ.get("JTRANSFER_DATA") or "data").expanduser()
