"""The page of an audit: what was found, with pictures."""

from shlex import quote

import numpy as np

from jtransfer import __version__
from jtransfer.data.examples import DataError
from jtransfer.data.intake.duplicates import Duplicates
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.measure.page.content import (
    Command,
    Duplicates as Shown,
    Notice,
    Report,
    Sample,
    Table,
    Unreadable,
)
from jtransfer.measure.page.thumbnails import MOST_PIXELS, thumbnail
from jtransfer.recipes.audit.audit import Audit
from jtransfer.recipes.audit.findings import counts_table, notes, sizes_table, warnings

# Doubtful images and groups that get pictures: as many as a page has room for.
_DOUBTFUL, _GROUPS, _OF_A_GROUP = 48, 24, 8


def audit_report(audit: Audit) -> Report:
    """The content of an audit's page; the pictures are read from the folder once more."""
    folder = audit.folder
    bad = warnings(audit)
    first = {*audit.leaks, *audit.contradictions}
    groups = [*first, *(each for each in audit.duplicates if each not in first)]
    tables = [
        Table(title, columns, rows)
        for title, (columns, rows) in (
            ("Images of each class", counts_table(audit)),
            ("Sizes", sizes_table(audit)),
        )
        if rows
    ]
    return Report(
        title=f"Audit of {folder.root.name}",
        summary=_summary(len(bad)),
        facts=(
            ("folder", str(folder.root)),
            ("images", f"{len(folder):,}"),
            ("classes", f"{len(folder.classes):,}"),
            ("jtransfer", __version__),
        ),
        notices=[
            *(Notice(text, "warning") for text in bad),
            *(Notice(text) for text in notes(audit)),
        ],
        classes=folder.classes,
        doubtful=[
            _sample(
                audit,
                each.row,
                guess=each.guess,
                probability=each.probability,
                pictured=place < _DOUBTFUL,
            )
            for place, each in enumerate(audit.doubtful)
        ],
        duplicates=[
            _shown(audit, each, pictured=place < _GROUPS) for place, each in enumerate(groups)
        ],
        tables=tables,
        unreadable=[
            # The file stands beside it already.
            Unreadable(folder.names[row], why.removeprefix(str(folder.paths[row])).strip())
            for row, why in audit.looked.unreadable.items()
        ],
        commands=[
            Command("Learn the classes of this folder", f"jtransfer fit {quote(str(folder.root))}")
        ],
    )


def _summary(kinds: int) -> str:
    """How much there is; the notices below say what."""
    if not kinds:
        return "Nothing was found that should be mended."
    what = "One kind of thing" if kinds == 1 else f"{kinds} kinds of things"
    return f"{what} should be mended, the worst first."


def _shown(audit: Audit, group: Duplicates, *, pictured: bool) -> Shown:
    rows = list(group.rows)
    splits = sorted({*audit.folder.splits[rows].tolist()})
    classes = sorted({audit.folder.label_name(row) for row in rows})
    why = [f"in {' and '.join(each)}" for each in (splits, classes) if len(each) > 1]
    samples = [
        _sample(audit, row, note=str(audit.folder.splits[row]), pictured=pictured)
        for row in rows[:_OF_A_GROUP]
    ]
    return Shown(samples, group.exact, ", ".join(why))


def _sample(
    audit: Audit,
    row: int,
    *,
    pictured: bool,
    guess: str = "",
    probability: float | None = None,
    note: str = "",
) -> Sample:
    name, label = audit.folder.names[row], audit.folder.label_name(row)
    picture = _picture(audit, row) if pictured else None
    return Sample(name, picture, label, guess, probability, note)


def _picture(audit: Audit, row: int) -> bytes | None:
    try:
        image = read_rgb(audit.folder.paths[row], at_least=2 * MOST_PIXELS)
    except DataError:  # it was there a moment ago
        return None
    image.thumbnail((MOST_PIXELS, MOST_PIXELS))
    return thumbnail(np.asarray(image))
