"""What an audit found, in sentences and tables, for terminals and pages alike."""

from collections.abc import Sequence

import numpy as np

from jtransfer.recipes.audit.audit import FEWEST, Audit

_TINY, _HUGE = 32, 4096  # pixels of a shorter side, of a longer side
_NAMED = 5


def warnings(audit: Audit) -> list[str]:
    """Sentences on what should be mended, the worst first; empty if nothing should."""
    looked = audit.looked
    said = []
    if audit.leaks:
        said.append(
            f"{_number(len(audit.leaks), 'image')} in two splits: what is tested on was trained on."
        )
    if audit.contradictions:
        said.append(
            f"{_number(len(audit.contradictions), 'image')} in two classes: one label is wrong."
        )
    if audit.doubtful:
        said.append(f"{_number(len(audit.doubtful), 'label')} that the other images doubt.")
    others = len(audit.duplicates) - len({*audit.leaks, *audit.contradictions})
    if others:
        said.append(f"{_number(others, 'image')} more than once in one class and split.")
    if looked.unreadable:
        said.append(f"{_number(len(looked.unreadable), 'file')} that cannot be read.")
    if audit.small_classes:
        some = [f"{name} ({count})" for name, count in audit.small_classes.items()]
        said.append(
            f"{_number(len(some), 'class', 'classes')} of fewer than {FEWEST} images: "
            f"{_some(some)}."
        )
    return said


def notes(audit: Audit) -> list[str]:
    """Sentences on what was taken for what, and what was passed over."""
    looked = audit.looked
    said = [f"{note[0].upper()}{note[1:]}." for note in audit.folder.notes]
    for why, names in audit.folder.passed_over.items():
        said.append(f"Passed over: {len(names):,} x {why} ({_some(names)}).")
    if looked.flattened:
        said.append(
            f"{_number(len(looked.flattened), 'image')} with a transparent ground, shown on white."
        )
    if looked.moving:
        said.append(
            f"{_number(len(looked.moving), 'file')} of several pictures, of which the first counts."
        )
    return [*said, *filter(None, [audit.unjudged])]


def counts_table(audit: Audit) -> tuple[list[str], list[list[str | int]]]:
    """Columns and rows of readable images by class and split, the smallest class first."""
    splits = sorted({split for each in audit.counts.values() for split in each})
    columns = ["class", *(split or "images" for split in splits)]
    rows: list[list[str | int]] = [
        [name or "(no label)", *(each[split] for split in splits)]
        for name, each in sorted(audit.counts.items(), key=lambda item: sum(item[1].values()))
    ]
    if len(splits) > 1:
        columns.append("all")
        rows = [[name, *parts, sum(map(int, parts))] for name, *parts in rows]
    return columns, rows


def sizes_table(audit: Audit) -> tuple[list[str], list[list[str | int]]]:
    """Columns and rows of the images' sides in pixels; without images no row."""
    sizes = audit.looked.sizes[audit.looked.readable()]
    columns = ["side, in pixels", "smallest", "median", "largest", "odd"]
    if not len(sizes):
        return columns, []
    shorter, longer = sizes.min(axis=1), sizes.max(axis=1)
    return columns, [
        [
            name,
            int(side.min()),
            int(np.median(side)),
            int(side.max()),
            f"{int(odd.sum()):,} {what}",
        ]
        for name, side, odd, what in (
            ("shorter", shorter, shorter < _TINY, f"below {_TINY}"),
            ("longer", longer, longer > _HUGE, f"above {_HUGE}"),
        )
    ]


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''}"
