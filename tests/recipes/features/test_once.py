import json

import pytest

from jtransfer.recipes.features.once import once
from jtransfer.train.run_folder import RunFolderError


def test_a_measurement_is_taken_once_for_its_settings(tmp_path, capsys):
    calls = []

    def measure():
        calls.append(1)
        return {"accuracy": 0.5}

    folder = tmp_path / "run"
    first = once(folder, {"C": 1.0}, measure)
    assert {**first, "made_by": 0} == {"C": 1.0, "accuracy": 0.5, "made_by": 0}
    assert json.loads((folder / "result.json").read_text()) == first
    assert once(folder, {"C": 1.0}, measure) == first
    assert capsys.readouterr().out == "run: finished before\n"
    with pytest.raises(RunFolderError, match=r"another config \(C: 1.0 there, 2.0 asked for\)"):
        once(folder, {"C": 2.0}, measure)
    assert len(calls) == 1


def test_one_that_failed_is_taken_again(tmp_path):
    with pytest.raises(ZeroDivisionError):
        once(tmp_path / "run", {}, lambda: {"accuracy": 1 / 0})
    assert once(tmp_path / "run", {}, lambda: {"accuracy": 1})["accuracy"] == 1
