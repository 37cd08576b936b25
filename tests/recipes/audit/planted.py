"""Faults planted in a folder of photographs, whose number and places are known."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from jtransfer.data.intake.image_folder import ImageFolder
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.recipes.audit.audit import Audit

WRONG, DUPLICATES, DAMAGED = 0.05, 20, 5  # a share of the labels, images, files


@dataclass(frozen=True)
class Planted:
    """What was planted, by names in the new folder.

    Attributes:
      wrong: files in a folder of another class than their own.
      duplicates: pairs of a file in `train` and its copy in `test`.
      damaged: files that cannot be read.
    """

    wrong: frozenset[str]
    duplicates: tuple[tuple[str, str], ...]
    damaged: frozenset[str]


def plant(source: ImageFolder, root: Path, seed: int) -> Planted:
    """Copy photographs by links into train (.7) and test, and plant the faults.

    Of the duplicates a quarter are copies, a quarter JPEGs of quality 60, a quarter scaled to .6,
    a quarter WebP of quality 70 at .8.
    """
    random = np.random.default_rng(seed)
    labels, n = source.labels.copy(), len(source)
    wrong = random.choice(n, round(WRONG * n), replace=False)
    classes = len(source.classes)
    labels[wrong] = (labels[wrong] + random.integers(1, classes, len(wrong))) % classes
    train = random.random(n) < 0.7
    names = [
        f"{'train' if train[row] else 'test'}/{source.classes[labels[row]]}/{row:05}.jpg"
        for row in range(n)
    ]
    for row, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(source.paths[row])
    others = random.permutation(np.setdiff1d(np.arange(n), wrong))
    originals = [row for row in others if train[row]][:DUPLICATES]
    duplicates = []
    for number, row in enumerate(originals):
        copy = f"test/{source.classes[labels[row]]}/copy{number:02}.jpg"
        (root / copy).write_bytes(_changed(source.paths[row], number % 4))
        duplicates.append((names[row], copy))
    damaged = [row for row in others if not train[row]][:DAMAGED]
    for row in damaged:
        content = source.paths[row].read_bytes()
        (root / names[row]).unlink()
        (root / names[row]).write_bytes(content[: len(content) // 2])
    return Planted(
        frozenset(names[row] for row in wrong),
        tuple(duplicates),
        frozenset(names[row] for row in damaged),
    )


def _changed(path: Path, way: int) -> bytes:
    if way == 0:
        return path.read_bytes()
    image, stream = read_rgb(path), io.BytesIO()
    if way == 1:
        image.save(stream, "JPEG", quality=60)
    else:
        share = 0.6 if way == 2 else 0.8
        size = (round(share * image.width), round(share * image.height))
        smaller = image.resize(size, Image.Resampling.BICUBIC)
        smaller.save(stream, *(["JPEG"] if way == 2 else ["WEBP"]), quality=90 if way == 2 else 70)
    return stream.getvalue()


def recalls(found: Audit, planted: Planted) -> dict[str, float]:
    """Shares of what was planted that were found, and what was found beside.

    "wrong labels" is among the first images of the ranking, twice as many as were planted.
    """
    names = found.folder.names
    groups = [{names[row] for row in each.rows} for each in found.duplicates]
    pairs = [any({*pair} <= group for group in groups) for pair in planted.duplicates]
    assert found.ranking is not None
    first = {names[row] for row in found.ranking[: 2 * len(planted.wrong)]}
    suspects = {names[each.row] for each in found.doubtful}
    damaged = {names[row] for row in found.looked.unreadable}
    return {
        "wrong labels": len(first & planted.wrong) / len(planted.wrong),
        "wrong labels among suspects": len(suspects & planted.wrong) / len(planted.wrong),
        "suspects": len(suspects),
        "planted labels": len(planted.wrong),
        "duplicates": float(np.mean(pairs)),
        "other groups": len(groups) - len(_with(groups, planted.duplicates)),
        "damaged": len(damaged & planted.damaged) / len(planted.damaged),
        "others unreadable": len(damaged - planted.damaged),
    }


def _with(groups: Sequence[set[str]], pairs: Sequence[tuple[str, str]]) -> list[set[str]]:
    copies = {copy for _, copy in pairs}
    return [group for group in groups if group & copies]
