"""A csv of files and labels, as tools for labelling write it."""

from collections.abc import Sequence
from pathlib import Path

from jtransfer.data.examples import DataError
from jtransfer.data.intake.layout import SPLITS, Placed
from jtransfer.data.intake.walk import Walk
from jtransfer.data.sources.csv_table import CsvTable, read_csv_table
from jtransfer.data.sources.folder import SUFFIXES
from jtransfer.files.reading import is_there, open_regular, reading

_FILE = ("file", "filename", "file_name", "path", "filepath", "file_path", "image", "image_path")
_LABEL = ("label", "class", "class_name", "category", "target", "species", "name")
_SPLIT = ("split", "set", "subset", "partition")
MISSING = "named in the csv, and not there"
TWICE = "named in the csv again, with another label"
_EXPECTED = "a csv of files and labels, with or without a line of columns' names"


def read_labels_file(path: Path) -> tuple[Walk, list[Placed], list[str]]:
    """The images that a csv names, with their labels and splits.

    Files are relative to the csv's folder, or absolute. Columns are found by their names (`file`,
    `path`, `image`, ...; `label`, `class`, ...; `split`), or are file and label, in this order. A
    file without a label has none; blanks, capitals and another delimiter (`;` or a tab) do not
    matter.

    Returns:
      What was passed over, the images, and sentences on what was taken for what.

    Raises:
      DataError: if it is no such table, or names no file that is there.
    """
    table = read_csv_table(path, _EXPECTED, delimiter=delimiter_of(path))
    rows, (file, label, split) = _columns(table)
    walk, labels = Walk(path.parent), {}
    found: list[Placed] = []
    for row in rows:
        name = Path(row[file].replace("\\", "/") if "/" not in row[file] else row[file])
        given = row[label] or None
        if name in labels:
            if labels[name] != given:
                walk.pass_over(TWICE, name)
            continue
        labels[name] = given
        if not is_there(path.parent / name):
            walk.pass_over(MISSING, name)
            continue
        part = "" if split is None else SPLITS.get(row[split].lower(), row[split].lower())
        walk.images.append(name)
        found.append((name, part, given))
    if not found:
        raise DataError(
            f"{path} names {len(rows):,} files, such as {rows[0][file] if rows else 'none'}, and "
            f"none is there; expected files relative to {path.parent}. Put it where they are, or "
            "mend their names"
        )
    used = [table.columns[place] for place in (file, label, split) if place is not None]
    named = len(rows) == len(table.rows)
    return (
        walk,
        found,
        [f"files and labels are from {path.name}, columns {', '.join(used)}"] * named,
    )


def delimiter_of(path: Path) -> str:
    """A csv's delimiter: of comma, semicolon and tab the most frequent in its first line."""
    with reading(path, _EXPECTED, error=DataError), open_regular(path) as stream:
        line = stream.readline(1 << 16).decode("utf-8", "replace")
    return max(",;\t", key=line.count)


def _columns(
    table: CsvTable,
) -> tuple[Sequence[tuple[str, ...]], tuple[int, int, int | None]]:
    """The rows of files, and where in them file, label and split stand."""
    columns = [name.lower().replace(" ", "_") for name in table.columns]
    if len(columns) < 2:
        raise DataError(
            f"{table.file} has one column; expected two, of files and labels, parted by a comma, a "
            "semicolon or a tab. Name the folder of the images if they have no labels"
        )
    file, label, split = (
        next((columns.index(name) for name in names if name in columns), None)
        for names in (_FILE, _LABEL, _SPLIT)
    )
    if file is None and Path(columns[0]).suffix in SUFFIXES:  # the first line names a file too
        return [table.columns, *table.rows], (0, 1, None)
    file = 0 if file is None else file
    if label is None:
        others = [place for place in range(len(columns)) if place not in (file, split)]
        if len(others) > 1:
            raise DataError(
                f"{table.file} has the columns {', '.join(table.columns)}; expected one called "
                "label, or two columns in all. Call the one of labels so"
            )
        label = others[0]
    return table.rows, (file, label, split)
