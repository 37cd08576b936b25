import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest

from jtransfer.measure.page import (
    Calibration,
    Candidate,
    Command,
    ConfusedPair,
    Duplicates,
    Estimate,
    Gallery,
    ImageMap,
    Notice,
    ReliabilityBin,
    Report,
    Sample,
    Share,
    Table,
    Unreadable,
    render_page,
    thumbnail,
    write_page,
)

PICTURE = thumbnail(np.full((4, 4, 3), 90, np.uint8))
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\udcff\x00"
SEEN = HOSTILE.replace("\udcff", "?").replace("\x00", "\ufffd")


def whole(name: str = "fox") -> Report:
    """A report with everything, `name` wherever a text comes from outside."""
    sample = Sample(name, PICTURE, name, "other", 0.9, name)
    bins = [ReliabilityBin(0.8, 0.7, 30)]
    return Report(
        title=name,
        summary=name,
        facts=[(name, name)],
        notices=[Notice(name, "warning")],
        classes=[name, "other"],
        estimate=Estimate(
            Share(0.9, 0.8, 0.95), name, name, [Share(0.85, 0.7, 0.9), None], [30, 0]
        ),
        candidates=[
            Candidate(name, f"{name}{layer}", name, Share(0.8 + layer / 100), 3.0, layer == 1)
            for layer in range(3)
        ],
        comparisons=[Table(name, [name, "count"], [[name, 3]], name)],
        choice=name,
        galleries=[Gallery(name, [sample], name)],
        confusion=np.array([[25, 5], [0, 0]]),
        confused=[ConfusedPair(name, "other", 5, [sample])],
        mistakes=[sample],
        doubtful=[sample],
        duplicates=[Duplicates([sample, sample], True, name)],
        calibration=Calibration(bins, bins, 0.5, 0.1, 0.02),
        threshold=name,
        maps=[
            ImageMap(np.array([[0.0, 1.0], [2.0, 3.0]]), [sample, Sample(name)], name, *more)
            for more in ((), (name, [name]))
        ],
        tables=[Table(name, [name, "count"], [[name, 3]], name)],
        unreadable=[Unreadable(name, name)],
        commands=[Command(name, name)],
    )


class Reader(HTMLParser):
    """What a browser would find: elements with attributes, and the text of each kind of element."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = ""
        self.of: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        self.texts.append(data)
        self.of[self.inside] = self.of.get(self.inside, "") + data

    def attributes(self, name: str) -> list[str]:
        return [given[name] or "" for _, given in self.elements if name in given]


def policy(html: str) -> str:
    return next(
        given["content"] or ""
        for tag, given in Reader(html).elements
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy"
    )


def test_nothing_is_fetched():
    html = render_page(whole())
    reader = Reader(html)
    for name in ("src", "href", "data-picture", "action", "srcset", "poster", "data", "xlink:href"):
        for address in reader.attributes(name):
            assert address.startswith(("data:", "#")), address
    assert len([a for a in reader.attributes("src") if a]) == 6  # pictures are there
    assert not {tag for tag, _ in reader.elements} & {"iframe", "object", "embed", "base", "form"}
    style = reader.of["style"] + " ".join(reader.attributes("style"))
    assert not re.search(r"url\(|@import|image-set", style)
    assert not re.search(r"https?:|//[a-z]|fetch|XMLHttp|import\(|WebSocket", reader.of["script"])


def test_the_browser_is_told_to_fetch_nothing_and_to_run_this_script_alone():
    html = render_page(whole())
    digest = b64encode(sha256(Reader(html).of["script"].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy(html).split(";"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_file_names_are_broken_between_their_words():
    page = render_page(Report("pets", "", unreadable=[Unreadable("cats/my_1.5_kg.jpg", "cut")]))
    assert "cats/<wbr>my_<wbr>1<wbr>.5_<wbr>kg<wbr>.jpg" in page


def test_hostile_names_are_texts():
    plain, reader = Reader(render_page(whole("fox"))), Reader(render_page(whole(HOSTILE)))
    assert [tag for tag, _ in reader.elements if tag != "wbr"] == [
        tag for tag, _ in plain.elements if tag != "wbr"
    ]
    assert not [name for _, given in reader.elements for name in given if name.startswith("on")]
    said = "".join(reader.texts)
    fox = "".join(plain.texts).count("fox")
    # A layer's or a class's name that is too long for a chart is cut there.
    assert said.count(SEEN) >= fox - 12
    assert said.count(SEEN) > 25


@pytest.mark.parametrize(
    ("field", "section"),
    [
        ("estimate", "estimate"),
        ("tables", "tables"),
        ("candidates", "candidates"),
        ("confusion", "confusion"),
        ("confused", "confusion"),
        ("mistakes", "mistakes"),
        ("doubtful", "doubtful"),
        ("duplicates", "duplicates"),
        ("unreadable", "unreadable"),
        ("calibration", "probabilities"),
        ("threshold", "probabilities"),
        ("maps", "map"),
        ("galleries", "galleries"),
        ("comparisons", "candidates"),
        ("commands", "commands"),
    ],
)
def test_each_part_is_optional(field: str, section: str):
    everything = whole()
    only = replace(
        Report("Title"), classes=everything.classes, **{field: getattr(everything, field)}
    )
    reader = Reader(render_page(only))
    assert [g["id"] for tag, g in reader.elements if tag == "section" and "id" in g] == [section]


def test_all_parts_are_there_and_can_be_reached():
    reader = Reader(render_page(whole()))
    sections = [g["id"] for tag, g in reader.elements if tag == "section" and "id" in g]
    links = [g["href"] for tag, g in reader.elements if tag == "a"]
    assert links == [f"#{name}" for name in sections]
    assert len(links) == 12
    ids = reader.attributes("id")
    assert len(set(ids)) == len(ids)


def test_a_page_of_nothing():
    reader = Reader(render_page(Report("Empty folder")))
    assert "Empty folder" in reader.of["h1"]
    assert not [tag for tag, _ in reader.elements if tag in ("section", "svg", "table")]


def test_the_headline_is_said_in_words():
    said = "".join(Reader(render_page(whole())).texts)
    assert "90.0%" in said
    assert re.search(r"between\s+80.0%\s+and\s+95.0%", said)


def test_a_page_is_written_whole(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("before")
    write_page(whole(HOSTILE), path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileNotFoundError):
        write_page(whole(), tmp_path / "none" / "report.html")
