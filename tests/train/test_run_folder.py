import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jtransfer.train import provenance
from jtransfer.train.run_folder import RunFolder, RunFolderError

CONFIG = {"rate": 0.1, "seeds": (0, 1), "net": "paper"}


def test_a_folder_is_made_with_its_config(tmp_path):
    folder = RunFolder(tmp_path / "a" / "b", CONFIG)
    assert json.loads((folder.path / "config.json").read_text())["seeds"] == [0, 1]
    assert folder.result() is None


def test_the_same_config_may_come_back(tmp_path):
    RunFolder(tmp_path / "run", CONFIG)
    RunFolder(tmp_path / "run", dict(CONFIG))


def test_another_config_is_refused_with_what_differs(tmp_path):
    RunFolder(tmp_path / "run", CONFIG)
    with pytest.raises(RunFolderError, match=r"rate: 0.1 there, 0.2 asked for") as raised:
        RunFolder(tmp_path / "run", {**CONFIG, "rate": 0.2})
    assert "net" not in str(raised.value)
    assert "another output folder" in str(raised.value)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match=r"no config\.json"):
        RunFolder(tmp_path, CONFIG)


def test_a_result_says_what_it_was_made_by_and_is_never_overwritten(tmp_path):
    folder = RunFolder(tmp_path / "run", CONFIG)
    written = folder.write_result({"accuracy": 0.5})
    assert folder.result() == written
    assert written["accuracy"] == 0.5
    assert set(written["made_by"]) == {"versions", "device", "git_revision"}
    assert "cpu" in written["made_by"]["device"]
    with pytest.raises(FileExistsError, match="never overwritten"):
        folder.write_result({"accuracy": 0.6})
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"config.json", "result.json", ".lock"}


def test_a_result_names_the_sources_that_the_run_started_with(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_git_revision", lambda: "at the start")
    folder = RunFolder(tmp_path / "run", CONFIG)
    monkeypatch.setattr(provenance, "_git_revision", lambda: "of a commit made meanwhile")
    assert folder.write_result({})["made_by"]["git_revision"] == "at the start"


def full(descriptor):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_the_config_does_not_spoil_the_folder(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunFolderError, match=r"run cannot be written \(No space left"):
            RunFolder(tmp_path / "run", CONFIG)
    assert not (tmp_path / "run" / "config.json").exists()
    assert RunFolder(tmp_path / "run", CONFIG).result() is None


KILLED = """
import os, signal, sys
from pathlib import Path
from jtransfer.train.run_folder import RunFolder
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
RunFolder(sys.argv[1], {"rate": 0.1})
"""
HELD = """
import sys
from jtransfer.train.run_folder import RunFolder
folder = RunFolder(sys.argv[1], {"rate": 0.1})
print("held", flush=True)
sys.stdin.readline()
folder.write_result({"accuracy": 0.5})
"""


def in_a_process(code, folder, **options):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(command, env=environment, text=True, **options)


def test_what_a_kill_leaves_below_the_folder_is_removed_too(tmp_path):
    RunFolder(tmp_path, CONFIG)
    left = tmp_path / "stopping" / ".evaluations.json.0123456789ab.unfinished"
    left.parent.mkdir()
    left.write_text("[[10, 0.")
    (tmp_path / "stopping" / "evaluations.json").write_text("[]")
    RunFolder(tmp_path, CONFIG)
    assert [each.name for each in left.parent.iterdir()] == ["evaluations.json"]


@pytest.mark.parametrize("left_by", ["this version", "the one before"])
def test_what_a_kill_while_the_config_is_written_leaves_is_no_obstacle(tmp_path, left_by):
    folder = tmp_path / "run"
    if left_by == "this version":
        with in_a_process(KILLED, folder) as process:
            assert process.wait() == -9
        assert len([each for each in folder.iterdir() if each.name.endswith(".unfinished")]) == 1
    else:
        folder.mkdir()
        (folder / ".config.json.4711").write_text('{"rate"')
    assert RunFolder(folder, {"rate": 0.1}).result() is None
    assert not [each for each in folder.iterdir() if each.name.endswith(".unfinished")]


def test_two_processes_in_one_folder_are_told_and_nothing_is_lost(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with in_a_process(HELD, tmp_path / "run", **pipes) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match=r"another process is running in .*wait until"):
            RunFolder(tmp_path / "run", {"rate": 0.1})
        process.communicate("go on\n")
        assert process.returncode == 0
    assert RunFolder(tmp_path / "run", {"rate": 0.1}).result()["accuracy"] == 0.5


def test_a_process_may_open_its_own_folder_again_and_frees_it(tmp_path):
    first = RunFolder(tmp_path / "run", CONFIG)
    second = RunFolder(tmp_path / "run", CONFIG)
    del first
    other = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    code = HELD.replace("sys.stdin.readline()", "").replace('{"rate": 0.1}', repr(CONFIG))
    with in_a_process(code, tmp_path / "run", **other) as process:
        assert "another process is running" in process.communicate()[1]
    del second
    with in_a_process(code, tmp_path / "run", **other) as process:
        assert process.communicate()[0] == "held\n"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty"),
        (b'{"rate": 0.', "is no whole JSON"),
        (b'{"rate": 0.1}\xff', "is no whole JSON"),
        (b"[1, 2]", "holds a list"),
        (b"null", "holds a NoneType"),
        (b"[" * 100_000, "is no whole JSON"),
    ],
)
def test_a_config_or_result_that_cannot_be_read_says_so_and_what_to_do(tmp_path, content, cause):
    folder = RunFolder(tmp_path, CONFIG)
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=f"result.json {cause}.*Remove it, and the same"):
        folder.result()
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=f"config.json {cause}.*put the file back, or remove"):
        RunFolder(tmp_path, CONFIG)


def test_a_result_that_cannot_be_written_leaves_none(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path, CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunFolderError, match=r"result.json cannot be written \(No space left"):
            folder.write_result({})
    assert folder.result() is None
    folder.write_result({})


def test_a_path_that_is_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").write_text("precious")
    with pytest.raises(RunFolderError, match="run cannot be written"):
        RunFolder(tmp_path / "run", CONFIG)
    assert (tmp_path / "run").read_text() == "precious"
