import json

import pytest

from jtransfer.train import run_folder
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
    assert [path.name for path in folder.path.iterdir() if path.name.startswith(".")] == []


def test_a_result_names_the_sources_that_the_run_started_with(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "_git_revision", lambda: "at the start")
    folder = RunFolder(tmp_path / "run", CONFIG)
    monkeypatch.setattr(run_folder, "_git_revision", lambda: "of a commit made meanwhile")
    assert folder.write_result({})["made_by"]["git_revision"] == "at the start"
