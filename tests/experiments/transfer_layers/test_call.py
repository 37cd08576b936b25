import numpy as np
import pytest

from experiments.transfer_layers import __main__ as script
from experiments.transfer_layers.__main__ import main
from experiments.transfer_layers.config import Config
from experiments.transfer_layers.tasks import TASKS, Task, problem_of
from tests.recipes.finetuning.toy_stripes import PROBLEM, tiny_net


def test_a_call_runs_every_cell_and_shows_table_and_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "problem_of", lambda task, data_root: PROBLEM)
    monkeypatch.setitem(TASKS, "digits", Task("stripes", 10, tiny_net, 40, seen="nothing"))
    config = Config(seeds=(0, 1), batch=8, rate=0.1, out=tmp_path)
    cells = main(config)
    assert set(cells) == {(kind, n) for kind in ("BnB", "BnB+", "AnB", "AnB+") for n in (1, 2)}
    for result in cells.values():
        assert len(result["accuracies"]) == len(result["base_accuracies"]) == 2
    assert cells["BnB", 2]["base_accuracies"] == cells["AnB", 1]["base_accuracies"]
    assert (tmp_path / "digits.png").exists()
    printed = capsys.readouterr().out
    assert "layers copied" in printed
    assert main(config) == cells
    # By its settings a run is found again, and by them the table is made.
    assert (tmp_path / "digits-AnB+-2-40-seeds0-1" / "result.json").exists()
    assert (tmp_path / "digits-baseB-40-seed1" / "result.json").exists()
    assert cells["BnB", 1].keys() == {
        *("experiment", "task", "kind", "layers", "seeds", "steps", "batch", "rate", "momentum"),
        *("data", "accuracies", "base_accuracies", "chosen_by", "seconds", "made_by"),
    }


@pytest.mark.slow
def test_signs_are_split_into_21_and_21(data_root):
    problem = problem_of(TASKS["signs"], data_root)
    assert problem.classes == 21
    for half in problem.halves(0):
        assert len(np.unique(half.labels[half.positions])) == 21
        assert len(np.unique(half.test_labels)) == 21


def test_the_real_tasks_have_nets_of_at_least_four_stages():
    for task in TASKS.values():
        assert len(task.net(classes=2).trunk.stage_names) >= 4
