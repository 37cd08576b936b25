"""Vectors of words, and of classes by the words of their names."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.attributes import ClassTable, require_finite
from jtransfer.data.sources.npz_archive import open_npz
from jtransfer.files.kinds import HEAD, is_table_of_text
from jtransfer.files.reading import open_regular, reading

_LONGEST = 1 << 20  # bytes of a line; 300 numbers take 3,000
_EXPECTED = "GloVe's text, a word and its vector in every line, parted by blanks"
_ABSENT = "Put it there, or name the right data root by --data-root or JTRANSFER_DATA"
# What stands between the words of a class name: grizzly+bear, t-shirt, grand_piano, killer whale.
_BETWEEN = re.compile(r"[\s+_\-./]+")


def read_word_vectors(
    file: Path | str, words: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Read word vectors: GloVe's text (a line a word), or an .npz with `words` and `vectors`.

    Args:
      file: ending in .npz, or else text.
      words: the only ones to keep, since a whole file of text takes gigabytes; None for all.

    Returns:
      {word: [dims] float32}.

    Raises:
      DataError: if the file is missing or damaged, or naming the line that cannot be read, or a
        vector that is not finite.
    """
    file = Path(file)
    pairs = _npz(file) if file.suffix == ".npz" else _glove(file, words)
    return {word: vector for word, vector in pairs if words is None or word in words}


def words_of(name: str) -> list[str]:
    """The words of a class name in lower case: `Grizzly+bear` is grizzly and bear.

    >>> words_of("t-shirt")
    ['t', 'shirt']
    """
    return [word for word in _BETWEEN.split(name.lower()) if word]


def class_vectors(
    classes: Sequence[str], vectors: Mapping[str, np.ndarray], *, name: str = "word vectors"
) -> ClassTable:
    """The vector of each class: that of its name if there is one, else the mean over its words.

    Args:
      classes: names; blanks, hyphens, pluses, underscores, dots and slashes part their words.
      vectors: {word: [dims]}.
      name: where the vectors come from, for messages.

    Raises:
      DataError: naming every class with a word that has no vector, and the words; or if vectors
        differ in length or are not finite.
    """
    lacking: dict[str, list[str]] = {}
    rows = []
    for each in classes:
        if each.lower() in vectors:
            words = [each.lower()]
        else:
            words = words_of(each)
            missing = [word for word in words if word not in vectors]
            if missing or not words:
                lacking[each] = missing
                continue
        rows.append(_mean([vectors[word] for word in words], each, name))
    if lacking:
        named = "; ".join(
            f"{each} (no vector for {', '.join(words) or 'an empty name'})"
            for each, words in lacking.items()
        )
        raise DataError(
            f"{name} lack {named}; expected a vector for every word of every class. Rename these "
            "classes, or give {word: vector} with the missing words added"
        )
    if len({row.shape for row in rows}) != 1:
        raise DataError(
            f"{name} give {len(rows)} classes vectors of the lengths "
            f"{sorted({len(row) for row in rows})}; expected at least one class, and one length"
        )
    values = require_finite(np.stack(rows), name)
    numbers = tuple(str(number) for number in range(values.shape[1]))
    return ClassTable(values, tuple(classes), numbers, name)


def _mean(vectors: Sequence[np.ndarray], each: str, name: str) -> np.ndarray:
    # What is too large becomes infinite, and is named by whoever takes it.
    with np.errstate(over="ignore", invalid="ignore"):
        rows = [np.asarray(vector, np.float32) for vector in vectors]
        if len({row.shape for row in rows}) != 1 or rows[0].ndim != 1:
            raise DataError(
                f"{name} give the words of {each} vectors of the shapes "
                f"{[row.shape for row in rows]}; expected [dims], the same for all"
            )
        return np.mean(rows, axis=0)


def _npz(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    with open_npz(file, "an archive with words and vectors", absent=_ABSENT) as archive:
        (vectors,) = archive.read("vectors")
        words = archive.text("words")
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise DataError(
            f"{file} has {len(words):,} words and vectors {vectors.shape}; expected [n] and "
            "[n, dims]. It is another archive: name the right one"
        )
    return zip(words, require_finite(vectors, f"{file}, vectors,"), strict=True)


def _glove(file: Path, words: Collection[str] | None) -> Iterator[tuple[str, np.ndarray]]:
    dims = 0
    with (
        reading(file, _EXPECTED, error=DataError, kinds=("text",), absent=_ABSENT),
        open_regular(file) as stream,
    ):
        if not is_table_of_text(stream.read(HEAD)):
            raise ValueError("no text parted by line ends")
        stream.seek(0)
        number = 0
        for number, line in enumerate(_lines(stream, file), 1):
            word, _, numbers = line.rstrip().partition(" ")
            if words is not None and word not in words:
                continue
            vector = _vector(numbers, f"{file}, line {number}")
            dims = dims or len(vector)
            if len(vector) != dims:
                raise DataError(
                    f"{file}, line {number}: {word!r} has {len(vector)} numbers, others {dims}; "
                    "expected as many for every word. The file is cut off or damaged"
                )
            yield word, vector
        if not number:
            raise EOFError


def _lines(stream: BinaryIO, file: Path) -> Iterator[str]:
    for number in count(1):
        line = stream.readline(_LONGEST)
        if not line:
            return
        if len(line) == _LONGEST:
            raise DataError(
                f"{file}, line {number} has over {_LONGEST:,} bytes; expected {_EXPECTED}. It is "
                "another file: name the right one"
            )
        yield line.decode("utf-8-sig" if number == 1 else "utf-8")


def _vector(numbers: str, what: str) -> np.ndarray:
    try:
        vector = np.array(numbers.split(" "), np.float64)
    except ValueError as error:
        raise DataError(
            f"{what} is no word with its numbers ({error}); expected {_EXPECTED}"
        ) from error
    return require_finite(vector, what)
