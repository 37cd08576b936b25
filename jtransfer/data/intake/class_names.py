"""Names of classes as people read them: one spelling for each, and a word where two are alike."""

import re
import unicodedata
from collections.abc import Iterable

_APART = re.compile(r"[\s_\-.]+")


def class_name(written: str) -> str:
    """A class's name in Unicode's normal form C, without blanks around it.

    An é of one character or of two, as file systems and archives of different systems write it, is
    the same é.
    """
    return unicodedata.normalize("NFC", written).strip()


def respelt(written: Iterable[str]) -> list[str]:
    """Sentences on names that are put together since they differ in form or blanks alone."""
    spellings: dict[str, set[str]] = {}
    for each in written:
        spellings.setdefault(class_name(each), set()).add(each)
    return [
        f"the class {name!r} is written in {len(all_)} ways that differ in blanks or Unicode's "
        "normal form alone; they are taken for one class"
        for name, all_ in sorted(spellings.items())
        if len(all_) > 1
    ]


def alike(names: Iterable[str]) -> list[str]:
    """Sentences on classes that may be one: they differ in capitals, blanks or hyphens alone."""
    nearly: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        nearly.setdefault(_APART.sub(" ", name).casefold(), []).append(name)
    return [
        f"the classes {', '.join(map(repr, same))} differ in capitals, blanks or hyphens alone: if "
        "they mean the same, give their folders one name"
        for same in nearly.values()
        if len(same) > 1
    ]
