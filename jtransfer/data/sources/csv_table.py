"""Tables of comma-separated values, read strictly: what is doubtful is an error with its line."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jtransfer.data.examples import DataError
from jtransfer.files.kinds import HEAD, is_table_of_text
from jtransfer.files.memory import require_memory
from jtransfer.files.reading import open_regular, read_text, reading

_EXPANSION = 60  # bytes of memory that a byte of a table of short cells takes


@dataclass(frozen=True)
class CsvTable:
    """The rows of a table, as text.

    Attributes:
      file: where it was read.
      columns: their names, each there once.
      rows: the cells of each, as many as columns.
      lines: number of the line in which each row ends, from 1.
    """

    file: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def of(self, *columns: str) -> Iterator[tuple[int, Mapping[str, str]]]:
        """The line and the cells of every row in the named columns.

        Raises:
          DataError: naming the columns that are not there.
        """
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise DataError(
                f"{self.file} has the columns {list(self.columns)}; expected "
                f"{', '.join(columns)} in its first line. Name them so"
            )
        places = {name: self.columns.index(name) for name in columns}
        for line, row in zip(self.lines, self.rows, strict=True):
            yield line, {name: row[place] for name, place in places.items()}


def read_csv_table(
    file: Path, expected: str, *, delimiter: str = ",", absent: str | None = None
) -> CsvTable:
    """Read a table with a line of columns' names; empty lines are passed over.

    It is UTF-8 text, with or without a byte-order mark, with line ends of any system. Cells and
    names lose blanks around them.

    Args:
      file: the table.
      expected: what it should be, such as "a table of file, label and speaker".
      delimiter: between cells.
      absent: what to do where there is no such file.

    Raises:
      DataError: naming the file, and the line where one is at fault: a quote that is not closed, a
        cell of over 131,072 characters, a row of another length, a column that is there twice; or
        if the table would take more memory than there may be.
    """
    more = {} if absent is None else {"absent": absent}
    with reading(file, expected, error=DataError, kinds=("a csv table",), **more):
        with open_regular(file) as stream:
            size = os.fstat(stream.fileno()).st_size
        require_memory(_EXPANSION * size, str(file), error=DataError)
        text = read_text(file)
        if not text:
            raise EOFError
        if not is_table_of_text(text[:HEAD].encode()):
            raise ValueError("no text parted by line ends")
        lines, rows = _rows(text, delimiter, file)
    if not rows:
        raise DataError(f"{file} has no line; expected {expected}. Fill it")
    columns = rows[0]
    twice = sorted(name for name, count in Counter(columns).items() if count > 1)
    if twice:
        raise DataError(
            f"{file} has the column {', '.join(map(repr, twice))} more than once; expected every "
            "name once in the first line. Remove or rename the others"
        )
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(columns):
            raise DataError(
                f"{file}, line {line} has {len(row)} cells, expected {len(columns)} as in the "
                "first line; fill the gaps or remove the line"
            )
    return CsvTable(file, columns, tuple(rows[1:]), tuple(lines[1:]))


def _rows(text: str, delimiter: str, file: Path) -> tuple[list[int], list[tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    lines, rows = [], []
    start = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                lines.append(reader.line_num)
                rows.append(tuple(cell.strip() for cell in row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file}, line {start} cannot be read ({error}); expected cells parted by "
            f"{delimiter!r}, each of at most {csv.field_size_limit():,} characters, and every "
            "quote closed. Mend the line"
        ) from error
    return lines, rows
