"""Tables of results for pages and terminals."""

import math
import statistics
from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A GitHub-flavoured Markdown table; the first column to the left, the others to the right.

    Args:
      header: names of the columns.
      rows: one sequence a row, as long as the header; cells are shown by `str`.

    Returns:
      Lines joined by newlines, without one at the end.

    Raises:
      ValueError: if there is no column, or a row is not as long as the header.
    """
    cells = _cells(header, rows)
    # A bar would end the cell, even inside of code.
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    rule = "| " + " | ".join([":--"] + ["--:"] * (len(header) - 1)) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def console_table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table in aligned plain text; the first column to the left, the others to the right.

    Args:
      header: names of the columns.
      rows: one sequence a row, as long as the header; cells are shown by `str`.

    Returns:
      Lines joined by newlines, without one at the end and without blanks at line ends.

    Raises:
      ValueError: if there is no column, or a row is not as long as the header.
    """
    cells = _cells(header, rows)
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        first = row[0].ljust(widths[0])
        others = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        return "  ".join([first, *others]).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def mean_std(values: Iterable[float], digits: int = 3) -> str:
    """Mean and sample standard deviation (n - 1) of one number over several seeds.

    >>> mean_std([0.808, 0.812, 0.816])
    '0.812 ± 0.004'
    >>> mean_std([0.812])
    '0.812'

    Args:
      values: the number for each seed.
      digits: decimals to show.

    Raises:
      ValueError: if there is no value, or one is not finite.
    """
    numbers = [float(value) for value in values]
    if not numbers:
        raise ValueError("no values, expected one a seed; check that the runs have ended")
    for number in numbers:
        if not math.isfinite(number):
            raise ValueError(
                f"the values hold {number}, expected finite numbers; leave out or repeat the run "
                f"that failed"
            )
    mean = f"{statistics.fmean(numbers):.{digits}f}"
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(numbers):.{digits}f}"


def _cells(header: Sequence[object], rows: Iterable[Sequence[object]]) -> list[list[str]]:
    if not header:
        raise ValueError("the header is empty, expected the name of at least one column")
    cells = [[" ".join(str(cell).split()) for cell in row] for row in (header, *rows)]
    for number, row in enumerate(cells[1:], start=1):
        if len(row) != len(header):
            raise ValueError(
                f"row {number} has {len(row)} cells ({', '.join(row)}), expected {len(header)} as "
                f"in the header ({', '.join(cells[0])}); fill the gaps with empty strings"
            )
    return cells
