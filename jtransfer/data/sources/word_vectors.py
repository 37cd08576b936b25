"""Vectors of words, and of classes by the words of their names."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.data.sources.npz import UNREADABLE

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
      DataError: if the file is missing, or naming the line that cannot be read.
    """
    file = Path(file)
    if not file.is_file():
        raise DataError(
            f"found no {file}; expected GloVe's text or an .npz with words and vectors there. Put "
            "it there, or name the right data root by --data-root or JTRANSFER_DATA"
        )
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
      DataError: naming every class with a word that has no vector, and the words.
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
        rows.append(np.mean([np.asarray(vectors[word], np.float32) for word in words], axis=0))
    if lacking:
        named = "; ".join(
            f"{each} (no vector for {', '.join(words) or 'an empty name'})"
            for each, words in lacking.items()
        )
        raise DataError(
            f"{name} lack {named}; expected a vector for every word of every class. Rename these "
            "classes, or give {word: vector} with the missing words added"
        )
    values = np.stack(rows)
    numbers = tuple(str(number) for number in range(values.shape[1]))
    return ClassTable(values, tuple(classes), numbers, name)


def _npz(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            words, vectors = archive["words"], archive["vectors"].astype(np.float32)
    except (*UNREADABLE, KeyError) as error:
        raise DataError(
            f"{file} cannot be read ({error}); expected an archive with words and vectors. It is "
            "damaged or another archive: fetch it again"
        ) from error
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise DataError(
            f"{file} has words {words.shape} and vectors {vectors.shape}; expected [n] and "
            "[n, dims]"
        )
    return zip(words.tolist(), vectors, strict=True)


def _glove(file: Path, words: Collection[str] | None) -> Iterator[tuple[str, np.ndarray]]:
    dims = 0
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            word, _, numbers = line.rstrip().partition(" ")
            if words is not None and word not in words:
                continue
            try:
                vector = np.array(numbers.split(" "), np.float32)
            except ValueError as error:
                raise DataError(
                    f"{file}, line {number} is no word with its numbers ({error}); expected "
                    "GloVe's text, a word and its vector in every line, parted by blanks"
                ) from error
            dims = dims or len(vector)
            if len(vector) != dims:
                raise DataError(
                    f"{file}, line {number}: {word!r} has {len(vector)} numbers, others {dims}; "
                    "expected as many for every word. The file is cut off or damaged"
                )
            yield word, vector
