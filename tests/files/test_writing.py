"""Files are there whole or as before."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jtransfer.files.writing import (
    is_unfinished,
    remove_unfinished,
    write_bytes,
    write_text,
    writing,
)


def test_content_is_new_only_when_all_of_it_is_there(tmp_path: Path):
    file = tmp_path / "a.json"
    write_text(file, "old")
    with writing(file) as stream:
        stream.write(b"new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.json"
    write_text(file, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("jtransfer.files.writing.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_a_killed_process_leaves_is_known_and_removed(tmp_path: Path):
    code = (
        "import os, signal, sys\n"
        "from jtransfer.files.writing import writing\n"
        "with writing(sys.argv[1]) as stream:\n"
        "    stream.write(b'new'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    file = tmp_path / "a.json"
    write_text(file, "old")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run([sys.executable, "-c", code, str(file)], env=environment)
    assert run.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.iterdir() if path != file]
    assert len(left) == 1
    assert is_unfinished(left[0])
    assert not is_unfinished(file)
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert file.read_text() == "old"


def test_errors_name_the_file_that_was_to_be_written(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        write_bytes(tmp_path / "none" / "a.png", b"")
    assert error.value.filename == str(tmp_path / "none" / "a.png")
