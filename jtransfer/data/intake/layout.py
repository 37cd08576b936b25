"""What the folders of a folder mean: classes, splits with classes below, or nothing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from jtransfer.data.examples import DataError
from jtransfer.data.intake.class_names import class_name
from jtransfer.data.intake.walk import Walk

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
BESIDE = "an image beside the folders of classes"

# An image below the root, its split ("" for none) and its class as written (None for none).
Placed = tuple[Path, str, str | None]


def placed(walk: Walk) -> tuple[list[Placed], list[str]]:
    """Split and class of every image, by the names of the folders that it lies in.

    `train`, `val` and `test`, or `training`, `valid`, `validation` and `testing`, are splits where
    all folders are called so; of what a split or the folder itself holds, every folder is a class,
    with all that lies below it. Images that lie directly there have no class. A folder that only
    wraps another one is passed through.

    Returns:
      The images, and sentences on what was taken for what.

    Raises:
      DataError: if the folders can be read in two ways.
    """
    base, notes = _unwrapped(walk)
    images = [path for path in walk.images if path.is_relative_to(base)]
    below = _by_folder(images, base)
    named = [name for name in below if name and _split(name)]
    others = [name for name in below if name and not _split(name)]
    splits = bool(named) and not others
    # `train`, beside `plane` and `ship`, is a class: its images lie directly in it.
    if others and any(_deep(below[name], base / name) for name in named):
        raise DataError(
            f"{walk.root / base} holds the splits {', '.join(named)} beside {_some(others)}; "
            "expected splits alone, or a folder for each class. Move the others elsewhere"
        )
    if not splits:
        _require_no_domains(walk.root / base, base, below)
        return _in_classes(walk, images, base, ""), notes + _empty(walk, base)
    found: list[Placed] = []
    for path in below.get("", ()):
        walk.pass_over(BESIDE, path)
    for name in named:
        found += _in_classes(walk, below[name], base / name, _split(name))
        notes += _empty(walk, base / name)
    return found, notes


def _split(name: str) -> str:
    return SPLITS.get(class_name(name).lower(), "")


def _unwrapped(walk: Walk) -> tuple[Path, list[str]]:
    """The folder whose folders mean something."""
    base = Path()
    while True:
        below = _by_folder([path for path in walk.images if path.is_relative_to(base)], base)
        (name, *more) = list(below) or [""]
        if more or not name or _split(name) or not _deep(below[name], base / name):
            note = f"its images lie in {base}, which is taken for the folder itself"
            return base, [note] if base != Path() else []
        base /= name


def _by_folder(images: Sequence[Path], base: Path) -> dict[str, list[Path]]:
    """Images by the name of the folder in the base that they lie in; "" for the base itself."""
    found = defaultdict(list)
    depth = len(base.parts)
    for path in images:
        parts = path.parts[depth:]
        found[parts[0] if len(parts) > 1 else ""].append(path)
    return dict(found)


def _deep(images: Sequence[Path], folder: Path) -> bool:
    """Whether all images lie in folders below a folder, and none directly in it."""
    return all(path.parent != folder for path in images)


def _in_classes(walk: Walk, images: Sequence[Path], base: Path, split: str) -> list[Placed]:
    below = _by_folder(images, base)
    classes = [name for name in below if name]
    if not classes:
        return [(path, split, None) for path in images]
    for path in below.get("", ()):
        walk.pass_over(BESIDE, path)
    return [(path, split, name) for name in classes for path in below[name]]


def _require_no_domains(root: Path, base: Path, below: Mapping[str, Sequence[Path]]) -> None:
    """Refuse folders that each hold the same folders: these are the classes, those are domains."""
    names = [name for name in below if name]
    inner = {
        name: {class_name(path.parts[len(base.parts) + 1]) for path in below[name]}
        for name in names
        if _deep(below[name], base / name)
    }
    if len(names) < 2 or len(inner) < len(names):
        return
    shared = set.intersection(*inner.values())
    if len(shared) > 1:
        raise DataError(
            f"{root} holds {_some(names)}, each with the folders {_some(sorted(shared))}; expected "
            f"one folder for each class. Name one of them, such as {root / names[0]}, or call them "
            "train, val and test"
        )


def _empty(walk: Walk, base: Path) -> list[str]:
    """Sentences on folders where a class is expected that hold no image."""
    full = {path.parts[len(base.parts)] for path in walk.images if path.is_relative_to(base)}
    depth = len(base.parts) + 1
    empty = [
        folder
        for folder in walk.folders
        if folder.is_relative_to(base) and len(folder.parts) == depth and folder.name not in full
    ]
    return [f"the folder {folder} holds no image: it is no class" for folder in empty]


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
