"""What a page has room for: so many rows, so many bytes of pictures; what is left out is told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from jtransfer.measure.page.content import Candidate, ImageMap, Report, Sample, Table

_T = TypeVar("_T")

# Bytes of all pictures; in the page's text they take a third more.
_PICTURES = 1_500_000
_MISTAKES, _DOUBTFUL, _GROUPS, _IN_GROUP, _PAIRS, _FILES = 48, 150, 60, 8, 8, 200
_CANDIDATES, _ROWS, _POINTS = 120, 200, 1000  # points of all maps
_LETTERS = 120  # of a name
# Of texts that are none more is kept.
_SENTENCES = dict.fromkeys(("summary", "choice", "how", "threshold", "text"), 4000) | {"why": 400}


def trimmed(report: Report) -> tuple[Report, list[str]]:
    """A report that fits a page of about 3 MB at most, and sentences on what was left out of it.

    Pictures are kept in the order of the page, those of the map last.
    """
    left_out: list[str] = []

    def first(values: Sequence[_T], most: int, what: str) -> Sequence[_T]:
        if len(values) > most:
            left_out.append(f"{len(values) - most:,} of {len(values):,} {what}")
        return values[:most]

    def table(each: Table) -> Table:
        return replace(each, rows=first(each.rows, _ROWS, f"rows of “{_shortened(each.title)}”"))

    report = replace(
        report,
        candidates=_candidates(report.candidates, first),
        confused=[
            replace(pair, samples=pair.samples[:_IN_GROUP])
            for pair in first(report.confused, _PAIRS, "confused pairs of classes")
        ],
        mistakes=first(report.mistakes, _MISTAKES, "mistakes"),
        doubtful=first(report.doubtful, _DOUBTFUL, "doubtful labels"),
        duplicates=[
            replace(group, samples=_group(group.samples))
            for group in first(report.duplicates, _GROUPS, "groups of duplicates")
        ],
        tables=[table(each) for each in report.tables],
        comparisons=[table(each) for each in report.comparisons],
        galleries=[
            replace(each, samples=first(each.samples, _MISTAKES, f"of “{_shortened(each.title)}”"))
            for each in report.galleries
        ],
        unreadable=first(report.unreadable, _FILES, "unreadable files"),
        maps=[_map(each, _POINTS // len(report.maps), first) for each in report.maps],
    )
    report = _with_short_texts(report)
    return _with_pictures(report, left_out), left_out


def _candidates(
    given: Sequence[Candidate], first: Callable[[Sequence[Candidate], int, str], Any]
) -> Sequence[Candidate]:
    """The chosen one, and the best."""
    kept = sorted(given, key=lambda each: (each.chosen, each.accuracy.value), reverse=True)
    kept = first(kept, _CANDIDATES, "candidates, the least accurate")
    there = {id(each) for each in kept}
    return [each for each in given if id(each) in there]


def _group(samples: Sequence[Sample]) -> Sequence[Sample]:
    if len(samples) <= _IN_GROUP:
        return samples
    beyond = Sample(f"and {len(samples) - _IN_GROUP + 1:,} more")
    return [*samples[: _IN_GROUP - 1], beyond]


def _map(given: ImageMap, most: int, first: Callable[[Sequence, int, str], Any]) -> ImageMap:
    if len(given.samples) <= most:
        return given
    first(given.samples, most, "points of the map")
    # Evenly, for images of a class come one after another.
    kept = np.linspace(0, len(given.samples) - 1, most).astype(int)
    samples = [given.samples[each] for each in kept.tolist()]
    return replace(given, points=np.asarray(given.points)[kept], samples=samples)


def _with_pictures(report: Report, left_out: list[str]) -> Report:
    """The report with as many pictures as there is room for."""
    room = _PICTURES
    dropped = 0

    def afford(samples: Iterable[Sample]) -> list[Sample]:
        nonlocal room, dropped
        kept = []
        for sample in samples:
            size = len(sample.thumbnail or b"")
            if size <= room:
                room -= size
            else:
                dropped += 1
                sample = replace(sample, thumbnail=None)
            kept.append(sample)
        return kept

    report = replace(
        report,
        galleries=[replace(each, samples=afford(each.samples)) for each in report.galleries],
        confused=[replace(each, samples=afford(each.samples)) for each in report.confused],
        mistakes=afford(report.mistakes),
        doubtful=afford(report.doubtful),
        duplicates=[replace(each, samples=afford(each.samples)) for each in report.duplicates],
    )

    def mapped(given: ImageMap) -> ImageMap:
        # Some of every class rather than all of the first ones.
        order = np.random.default_rng(0).permutation(len(given.samples)).tolist()
        kept = dict(zip(order, afford(given.samples[each] for each in order), strict=True))
        return replace(given, samples=[kept[each] for each in range(len(order))])

    report = replace(report, maps=[mapped(each) for each in report.maps])
    if dropped:
        left_out.append(f"{dropped:,} pictures, of which the names are there")
    return report


def _with_short_texts(value: Any, most: int = _LETTERS) -> Any:
    """A value with all texts in it cut to a length that a page can show."""
    if isinstance(value, str):
        return _shortened(value, most)
    if isinstance(value, (tuple, list)):
        return [_with_short_texts(each, most) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        given = {each.name: getattr(value, each.name) for each in fields(value)}
        return replace(
            value,
            **{
                name: _with_short_texts(each, _SENTENCES.get(name, _LETTERS))
                for name, each in given.items()
            },
        )
    return value


def _shortened(text: str, most: int = _LETTERS) -> str:
    """`text` with its middle left out, for names of files differ at the end."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"
