"""What is guessed of every target image, and which of them a person is to check.

Two tables of one folder: `target.csv` with all images, the least sure first, since a mistake that
is mended there is worth the most; and `check.csv` with a random sample, since an accuracy that is
read off the least sure ones would be too low. The sample's order is random too: whoever stops after
k images has checked a random sample of k. It does not tell the guesses, which would lead the eye.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jtransfer.data.sources.csv_table import read_csv_table

TARGET, CHECK = "target.csv", "check.csv"
TRUE = "true class"
_COLUMNS = ("file", "class", "probability", "second class", "unsure", "source class", "check", TRUE)


@dataclass(frozen=True, eq=False)
class Guessed:
    """What is said of the target's n images.

    Attributes:
      names: of the files.
      classes: names of the classes.
      probabilities: [n, classes] by the model that was chosen.
      source: [n] classes by the source-only model.
      threshold: the probability of a guess from which on it is sure.
      sample: positions of the images to check, in the order to check them.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: np.ndarray
    source: np.ndarray
    threshold: float
    sample: np.ndarray

    @property
    def guesses(self) -> np.ndarray:
        """[n] classes by the model that was chosen."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the guess, [n]."""
        return self.probabilities.max(axis=1)

    def least_sure(self) -> np.ndarray:
        """Positions of all images, the least sure first."""
        return np.argsort(self.confidence, kind="stable")


def drawn_sample(count: int, most: int, *, seed: int) -> np.ndarray:
    """A random sample of at most `most` of `count` images, in random order."""
    return np.random.default_rng((seed, count)).permutation(count)[:most]


def tables(guessed: Guessed) -> dict[str, bytes]:
    """The two tables, by their names."""
    numbers = {row: str(place) for place, row in enumerate(guessed.sample.tolist(), start=1)}
    second = np.argsort(-guessed.probabilities, axis=1, kind="stable")[:, 1]
    lines = []
    for row in guessed.least_sure().tolist():
        sure = float(guessed.confidence[row])
        lines.append(
            (
                guessed.names[row],
                guessed.classes[guessed.guesses[row]],
                f"{sure:.4f}",
                guessed.classes[second[row]],
                "yes" if sure < guessed.threshold else "no",
                guessed.classes[guessed.source[row]],
                numbers.get(row, ""),
                "",
            )
        )
    to_check = [(number, guessed.names[row], "") for row, number in numbers.items()]
    return {
        TARGET: _csv(_COLUMNS, lines),
        CHECK: _csv(("check", "file", TRUE), to_check),
    }


@dataclass(frozen=True)
class Line:
    """What `target.csv` says of an image; `check` is its number in the sample, 0 outside."""

    guess: str
    source: str
    check: int


def read_guesses(folder: Path) -> dict[str, Line]:
    """What was guessed, by the files' names.

    Raises:
      DataError: if the model has no such table, or it is damaged.
    """
    absent = "Name by --out the folder of a model that `jtransfer adapt` made"
    table = read_csv_table(folder / TARGET, "the table of the target's guesses", absent=absent)
    return {
        row["file"]: Line(row["class"], row["source class"], int(row["check"] or 0))
        for _, row in table.of("file", "class", "source class", "check")
    }


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return stream.getvalue().encode("utf-8", "surrogateescape")
