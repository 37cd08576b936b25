"""Opening files, and the one sentence where that fails."""

import os
from pathlib import Path

import pytest

from jtransfer.files.reading import is_there, open_regular, read_bytes, read_text, reading


class OwnError(ValueError):
    """The error of a room."""


def refusal(path: Path, cause: Exception | None = None, **options) -> str:
    """What a reader of `path` says, whose decoder raises `cause`."""

    def read() -> None:
        with reading(path, "a table", error=OwnError, **options):
            content = read_bytes(path)
            raise cause or ValueError(f"{len(content)} odd bytes")

    with pytest.raises(OwnError) as caught:
        read()
    return str(caught.value).removeprefix(f"{path} ")


def test_what_is_whole_is_read(tmp_path: Path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xef\xbb\xbfname\r\ncaf\xc3\xa9\n")
    assert read_bytes(file).startswith(b"\xef\xbb\xbf")
    assert read_text(file) == "name\ncafé\n"


def test_the_true_cause_is_named(tmp_path: Path):
    file = tmp_path / "a.csv"
    assert refusal(file, absent="Fetch it") == "is not there; expected a table. Fetch it"
    assert refusal(file / "b") == "is not there; expected a table. Put it there, or mend the name"
    assert refusal(tmp_path) == "is a folder; expected a table. Name a file"
    file.touch()
    assert refusal(file) == "is empty, 0 bytes; expected a table. Fetch it again"
    file.write_bytes(b"GIF89a and so on")
    assert refusal(file, kinds=("a gzip file",)).startswith("is a GIF image; expected a table.")
    file.write_bytes(b"<html><body>Sign in")
    assert refusal(file, kinds=("a gzip file",)).endswith(
        "page in place of the file: fetch the file itself"
    )
    file.write_bytes(b"\xff")
    with (
        pytest.raises(OwnError, match=r"is no UTF-8 text \(byte 0\).*Save it as UTF-8"),
        reading(file, "a table", error=OwnError),
    ):
        read_text(file)
    # Damage is said only where nothing else is so.
    assert refusal(file, damaged="Mend it") == (
        "cannot be read (1 odd bytes); expected a table. Mend it"
    )
    assert "cannot be read (KeyError)" in refusal(file, KeyError())


def test_pipes_and_devices_are_no_files(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert refusal(pipe).startswith("is a pipe, a socket or a device, no file;")
    assert refusal(Path("/dev/zero")).startswith("is a pipe, a socket or a device, no file;")
    with pytest.raises(OSError, match="no regular file"):
        open_regular(pipe)


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.csv"
    file.write_text("a")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jtransfer.files.reading.os.open", refuse)
    assert refusal(file).startswith("may not be read by this user; expected a table. Change its")


def test_a_file_larger_than_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JTRANSFER_MEMORY", "0.001")
    file = tmp_path / "a.csv"
    with file.open("wb") as stream:
        stream.truncate(2**21)  # takes no room on the disk
    assert refusal(file).startswith(f"is too large ({file} would take 2.0 MiB of memory; expected")


def test_the_rooms_own_error_goes_through(tmp_path: Path):
    with pytest.raises(OwnError, match=r"^mine$"), reading(tmp_path, "a table", error=OwnError):
        raise OwnError("mine")


def test_what_may_not_be_looked_at_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none")
    assert is_there("a\0b")  # opening it says what is wrong with the name

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jtransfer.files.reading.os.stat", refuse)
    assert is_there(tmp_path / "none")
