"""What a cache of features says of itself in `progress.json`: what they are of, and how far."""

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from jtransfer.files.memory import in_units
from jtransfer.files.reading import open_regular, reading
from jtransfer.files.writing import write_text

PRESENT = "present"
_FILE = "progress.json"
_LONGEST = (
    1 << 24
)  # bytes, of 30,000 blocks of a few layers; JSON takes twenty times that in memory


class FeatureCacheError(ValueError):
    """Features that cannot be cached, or a cache that does not hold what was asked for."""


@dataclass(frozen=True)
class Block:
    """Rows that were committed together.

    Attributes:
      done: rows that are whole with these, counted from the first of all.
      crc32: for each array the checksum of its bytes of these rows.
    """

    done: int
    crc32: dict[str, int]


@dataclass(frozen=True)
class Progress:
    """What `progress.json` holds.

    Attributes:
      key: what the features are of.
      rows: how many there are in the end.
      dtype: of the features, "float32" or "float16".
      dims: for each layer its features a row.
      batch: images in a call of the net; a resumed extraction goes on with the same.
      blocks: the rows that are whole, in the order in which they were committed.
    """

    key: dict[str, str]
    rows: int
    dtype: str
    dims: dict[str, int]
    batch: int
    blocks: tuple[Block, ...] = ()

    @property
    def done(self) -> int:
        """Rows that are whole, counted from the first."""
        return self.blocks[-1].done if self.blocks else 0

    @property
    def arrays(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and type of every array."""
        layers = {name: ((self.rows, dims), self.dtype) for name, dims in self.dims.items()}
        return {**layers, PRESENT: ((self.rows,), "bool")}


def write_progress(folder: Path, progress: Progress) -> None:
    """Replace a cache's `progress.json` at once; it carries a checksum of its own.

    Raises:
      OSError: if that fails; the one before stays.
    """
    content = asdict(progress)
    write_text(
        folder / _FILE, json.dumps({"crc32": _checksum(content), "progress": content}, indent=1)
    )


def read_progress(
    folder: Path, *, key: Mapping[str, str], rows: int, dtype: str
) -> Progress | None:
    """How far the cache in a folder is, or None if there is none yet.

    Raises:
      FeatureCacheError: if the folder holds features of another key, files that are no cache's, or
        a damaged `progress.json`.
    """
    file = folder / _FILE
    with reading(
        file,
        "what a cache of features says of itself",
        error=FeatureCacheError,
        damaged=f"Remove {folder} to extract the features again",
    ):
        if not file.exists():
            if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
                raise FeatureCacheError(
                    f"{folder} holds files but no progress.json, so it is no cache of features; "
                    "choose another folder"
                )
            return None
        progress = _read(file)
    there = (("rows", progress.rows), ("dtype", progress.dtype), *progress.key.items())
    asked = (("rows", rows), ("dtype", dtype), *key.items())
    differing = ", ".join(
        f"{name}: {dict(there).get(name)!r} there, {dict(asked).get(name)!r} asked for"
        for name in sorted({name for name, _ in {*there} ^ {*asked}})
    )
    if differing:
        raise FeatureCacheError(
            f"{folder} holds other features ({differing}); choose another folder, or remove this "
            "one to extract them again"
        )
    return progress


def require_layer_names(names: Iterable[str]) -> None:
    """Check that layers can be called as files are.

    Raises:
      FeatureCacheError: naming one that cannot.
    """
    for name in names:
        if not re.fullmatch(r"[\w-][\w.-]*", name) or name == PRESENT:
            raise FeatureCacheError(
                f"a layer is called {name!r}, which cannot be the name of its file; expected "
                f"letters, digits, '_', '-' and '.', and not {PRESENT!r}. Give it another name"
            )


def _read(file: Path) -> Progress:
    with open_regular(file) as stream:
        content = stream.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise ValueError(f"it has more than {in_units(_LONGEST)}")
    match json.loads(content.decode()):
        case {"crc32": checksum, "progress": dict(said), **rest} if not rest:
            if checksum != _checksum(said):
                raise ValueError("it is not what was written, by its checksum")
            return _progress(**said)
        case {"done": _}:
            raise ValueError("it is of a version whose features have no checksums")
    raise ValueError("it is no object of a checksum and the progress")


def _progress(*, key: Any, rows: Any, dtype: Any, dims: Any, batch: Any, blocks: Any) -> Progress:
    """What JSON gave, all of it checked."""
    strings = isinstance(key, dict) and all(isinstance(value, str) for value in key.values())
    if not strings or dtype not in ("float32", "float16"):
        raise ValueError("its key or type is none")
    if not isinstance(dims, dict) or not all(map(_is_count, (rows, batch, *dims.values()))):
        raise ValueError("its rows, batch or dims are no sizes")
    require_layer_names(dims)
    if not isinstance(blocks, list):
        raise ValueError("its blocks of rows are no list")
    made = [Block(**block) for block in blocks]
    ends = [0, *(block.done for block in made)]
    arrays = {*dims, PRESENT}
    if (
        not all(map(_is_count, ends[1:]))
        or any(first >= second for first, second in pairwise(ends))
        or not ends[-1] <= rows
        or not batch <= rows
        or any(block.crc32.keys() != arrays for block in made)
    ):
        raise ValueError("its blocks of rows do not follow each other up to its rows")
    return Progress(key, rows, dtype, dims, batch, tuple(made))


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 < number < 2**48


def _checksum(content: Any) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())
