"""What a folder holds."""

import os
from pathlib import Path

import pytest

from jtransfer.files.listing import entries, leads_nowhere


class OwnError(ValueError):
    """The error of a room."""


def refusal(folder: Path, **options) -> str:
    with pytest.raises(OwnError) as caught:
        entries(folder, error=OwnError, **options)
    return str(caught.value)


def test_entries_come_in_the_order_of_names_without_hidden_ones(tmp_path: Path):
    for name in ("b", "A", "a", ".DS_Store", "._a", os.fsdecode(b"\xff")):
        (tmp_path / name).touch()
    found = [path.name for path in entries(tmp_path, error=OwnError)]
    assert found == ["A", "a", "b", os.fsdecode(b"\xff")]


def test_the_true_cause_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    missing = tmp_path / "photos"
    assert entries(missing, error=OwnError) == []
    assert refusal(missing, absent="put it there") == f"found no folder {missing}; put it there"
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file") == (
        f"{tmp_path}/file is a file; expected a folder. Name a folder"
    )
    assert "cannot be listed (File name too long); expected" in refusal(tmp_path / ("a" * 300))
    assert "embedded null" in refusal(tmp_path / "a\0b")  # byte, or from Python 3.13 on character
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be listed (Too many levels of symbolic links)" in refusal(tmp_path / "loop")

    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)
    monkeypatch.setattr("os.scandir", refuse)
    assert "may not be listed by this user; expected a folder that may. Change" in refusal(tmp_path)


def test_links_to_nothing_are_told(tmp_path: Path):
    (tmp_path / "file").touch()
    for name, target in (("good", "file"), ("gone", "nothing"), ("loop", "loop")):
        (tmp_path / name).symlink_to(target)
    told = {path.name: leads_nowhere(path) for path in entries(tmp_path, error=OwnError)}
    assert told == {"file": False, "good": False, "gone": True, "loop": True}
