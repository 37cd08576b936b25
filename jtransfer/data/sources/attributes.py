"""What is known about classes without a picture of them: a row of attributes for each class.

Read from csv, from `awa1.npz`, from the text files of Animals with Attributes 2, and from the
`att_splits.mat` that Xian et al. ("Zero-shot learning: a comprehensive evaluation of the good, the
bad and the ugly", TPAMI 2018) publish for each of their data sets.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.csv_table import read_csv_table
from jtransfer.data.sources.matlab import MATLAB, read_matlab
from jtransfer.data.sources.npz_archive import open_npz
from jtransfer.files.kinds import HEAD, is_table_of_text
from jtransfer.files.reading import read_text, reading

Kind = Literal["binary", "continuous"]
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ABSENT = "Put it there, or name the right data root by --data-root or JTRANSFER_DATA"
_TRUTH = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0, "": np.nan, "?": np.nan}


@dataclass(frozen=True, eq=False)
class ClassTable:
    """A row of numbers for each class: attributes, or a word vector.

    Attributes:
      values: [classes, attributes] float32; NaN where a number is missing.
      classes: names of the rows.
      attributes: names of the columns.
      name: where they come from, for messages.

    Raises:
      DataError: if values and names do not fit each other, or a name is there twice.
    """

    values: np.ndarray
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    name: str

    def __post_init__(self):
        """Check that values and names fit each other."""
        # What is too large becomes infinite, and is named below.
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.asarray(self.values, np.float32)
        if values.shape != (len(self.classes), len(self.attributes)) or not values.size:
            raise DataError(
                f"{self.name}: values {values.shape} for {len(self.classes)} classes and "
                f"{len(self.attributes)} attributes; expected [classes, attributes], at least one "
                "of each. Name every row and column"
            )
        for what, names in (("class", self.classes), ("attribute", self.attributes)):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                raise DataError(
                    f"{self.name}: {what} {', '.join(twice)} is there more than once; expected "
                    "every name once. Remove or rename the others"
                )
        if np.isinf(values).any():
            row, column = np.argwhere(np.isinf(values))[0]
            raise DataError(
                f"{self.name}: {self.attributes[column]} of {self.classes[row]} is infinite "
                "or too large; expected finite numbers, or NaN for missing ones. Mend the table"
            )
        object.__setattr__(self, "values", values)

    def take(self, classes: Sequence[str]) -> "ClassTable":
        """The rows of the named classes, in that order.

        Raises:
          DataError: naming the classes that have no row.
        """
        rows = {name: row for row, name in enumerate(self.classes)}
        lacking = [name for name in classes if name not in rows]
        if lacking:
            raise DataError(
                f"{self.name} has no row for {', '.join(lacking)}; expected one for every class. "
                f"Add them, or name classes as the table does, such as {self.classes[0]!r}"
            )
        values = self.values[[rows[name] for name in classes]]
        return replace(self, values=values, classes=tuple(classes))

    def complete(self) -> np.ndarray:
        """The values, none of them missing: [classes, attributes] float32.

        Raises:
          DataError: naming what is missing.
        """
        missing = np.argwhere(np.isnan(self.values))
        if len(missing):
            named = ", ".join(
                f"{self.attributes[column]} of {self.classes[row]}" for row, column in missing[:5]
            )
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise DataError(
                f"{self.name}: no value for {named}{more}; expected every attribute of every "
                "class. Complete the table, or take the other classes' mean by filled()"
            )
        return self.values

    def filled(self) -> "ClassTable":
        """Missing values replaced by their attribute's mean over the classes that have one.

        Raises:
          DataError: naming the attributes that no class has a value for.
        """
        missing = np.isnan(self.values)
        empty = missing.all(axis=0)
        if empty.any():
            named = ", ".join(self.attributes[column] for column in np.flatnonzero(empty))
            raise DataError(
                f"{self.name}: no class has a value for {named}; expected at least one to take "
                "the mean of. Remove these attributes"
            )
        return replace(self, values=np.where(missing, np.nanmean(self.values, axis=0), self.values))


def read_csv(file: Path | str, *, leave_out: Collection[str] = ()) -> ClassTable:
    """Read a table of classes (rows, their names in the first column) and attributes (columns).

    Numbers, or True/False and yes/no; an empty cell or a question mark is missing.

    Args:
      file: with a line of attribute names, then a line a class.
      leave_out: names of columns that are no attributes, such as zoo.csv's `type`.

    Raises:
      DataError: naming the file and line of what cannot be read.
    """
    file = Path(file)
    table = read_csv_table(file, "a table of attributes", absent=_ABSENT)
    names = table.columns
    if not table.rows or len(names) < 2:
        raise DataError(
            f"{file} has {len(table.rows) + 1} lines of {len(names)} columns; expected one of "
            "attribute names, and one a class"
        )
    lacking = [name for name in leave_out if name not in names]
    if lacking:
        raise DataError(f"{file} has no column {', '.join(lacking)}; it has {', '.join(names[1:])}")
    kept = [column for column in range(1, len(names)) if names[column] not in leave_out]
    values = [
        [_number(row[column], file, line) for column in kept]
        for line, row in zip(table.lines, table.rows, strict=True)
    ]
    classes = tuple(row[0] for row in table.rows)
    if "" in classes:
        raise DataError(
            f"{file}, line {table.lines[classes.index('')]} names no class; expected a name in the "
            "first column. Fill the gap or remove the line"
        )
    attributes = tuple(names[column] for column in kept)
    return ClassTable(np.array(values), classes, attributes, file.name)


def read_awa1(file: Path | str, kind: Kind) -> ClassTable:
    """Read the attributes in `awa1.npz`: binary, or continuous as shares of 1 (its -1 is missing).

    Raises:
      DataError: if the file is missing or damaged, or holds numbers that are not finite.
    """
    file = Path(file)
    expected = f"an archive with attributes_{kind}, class_names and attribute_names"
    with open_npz(file, expected, absent=_ABSENT) as archive:
        (values,) = archive.read(f"attributes_{kind}")
        classes, names = (archive.text(f"{what}_names") for what in ("class", "attribute"))
    values = _shares(require_finite(values, str(file)), kind)
    return ClassTable(values, classes, names, f"{file.name}, {kind}")


def read_awa2(folder: Path | str, kind: Kind) -> ClassTable:
    """Read classes.txt, predicates.txt and predicate-matrix-*.txt of Animals with Attributes 2.

    Continuous values are shares of 1, where the files have percent and -1 for missing.

    Raises:
      DataError: if a file is missing, damaged, or does not fit the others.
    """
    folder = Path(folder)
    classes, names = (
        tuple(line.split()[-1] for line in _text(folder / file).split("\n") if line.strip())
        for file in ("classes.txt", "predicates.txt")
    )
    file = folder / f"predicate-matrix-{kind}.txt"
    values = [
        [_number(cell, file, line) for cell in row.split()]
        for line, row in enumerate(_text(file).split("\n"), 1)
        if row.strip()
    ]
    _require_even(values, len(names), file)
    return ClassTable(_shares(np.array(values), kind), classes, names, str(file))


def read_att_splits(
    file: Path | str, key: Literal["att", "original_att"] = "original_att"
) -> ClassTable:
    """Read Xian's `att_splits.mat`; attributes have numbers there, no names.

    Args:
      file: a MATLAB file with `allclasses_names` and the attributes [attributes, classes].
      key: "original_att", or "att" for rows of length 1; negative values are missing in neither.

    Raises:
      DataError: if the file is missing, damaged, or of another kind.
    """
    file = Path(file)
    expected = f"a MATLAB file (before 7.3) with {key} and allclasses_names"
    with reading(file, expected, error=DataError, kinds=(MATLAB,), absent=_ABSENT):
        content = read_matlab(file, (key, "allclasses_names"))
    missing = [name for name in (key, "allclasses_names") if name not in content]
    values, classes = content.get(key), content.get("allclasses_names")
    if missing or not isinstance(values, np.ndarray) or values.ndim != 2:
        raise DataError(
            f"{file} has {'no ' + ' and no '.join(missing) if missing else f'no matrix {key}'}; "
            f"expected {expected}. It is another file: fetch it again"
        )
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise DataError(
            f"{file}: allclasses_names is no list of names; expected cells of text. It is another "
            "file: fetch it again"
        )
    values = require_finite(values, str(file)).T
    names = tuple(str(number) for number in range(values.shape[-1]))
    return ClassTable(values, tuple(classes), names, f"{file.name}, {key}")


def require_finite(values: np.ndarray, what: str) -> np.ndarray:
    """Numbers as float32, none of them NaN or infinite, nor too large for it.

    Args:
      values: of any shape and type of number.
      what: holds them, as the sentence's subject.

    Raises:
      DataError: naming the position of the first that is.
    """
    if values.dtype.kind not in "biuf":
        raise DataError(f"{what} holds {values.dtype}; expected numbers. Convert it")
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = values.astype(np.float32)
    odd = np.argwhere(~np.isfinite(numbers))
    if len(odd):
        place = tuple(odd[0].tolist())
        raise DataError(
            f"{what} holds {values[place]} at {list(place)}; expected finite numbers. It is "
            "damaged, or was made by a division by zero: mend it or fetch it again"
        )
    return numbers


def _shares(values: np.ndarray, kind: Kind) -> np.ndarray:
    return values if kind == "binary" else np.where(values < 0, np.nan, values / 100)


def _text(file: Path) -> str:
    expected = "a text file of Animals with Attributes 2"
    with reading(file, expected, error=DataError, kinds=("text",), absent=_ABSENT):
        text = read_text(file)
        if not text.strip() or not is_table_of_text(text[:HEAD].encode()):
            raise ValueError("no text parted by line ends")
    return text


def _number(cell: str, file: Path, line: int) -> float:
    word = cell.strip().lower()
    if word in _TRUTH:
        return _TRUTH[word]
    if not _NUMBER.fullmatch(word):
        raise DataError(
            f"{file}, line {line} holds {cell[:80]!r}; expected a number, True, False, or nothing "
            "where the value is missing; name columns that are no attributes in leave_out"
        )
    return float(word)


def _require_even(rows: Sequence[Sequence[object]], width: int, file: Path) -> None:
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DataError(
                f"{file}: class {number} has {len(row)} cells, expected {width}; fill the gaps"
            )
