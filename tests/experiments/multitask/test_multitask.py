import numpy as np
import pytest

from experiments.multitask.__main__ import main
from experiments.multitask.config import Config
from experiments.multitask.rows import FAMILIES, ROWS, families
from experiments.multitask.setup import problem_of
from jtransfer.data.synthetic.glyphs import shipped_fonts


@pytest.fixture
def config(tmp_path):
    return Config(
        rows=("digit", "parity", "uncertainty"),
        each=(2, 0),
        seeds=(0, 1),
        steps=6,
        batch=8,
        images=120,
        test_images=40,
        record_every=2,
        out=tmp_path,
    )


def test_a_call_runs_every_cell_and_shows_tables_and_figures(config, capsys):
    cells = main(config)
    assert set(cells) == {(r, e) for r in ("digit", "uncertainty") for e in (2, 0)} | {
        ("parity", 0)
    }
    assert set(cells["uncertainty", 2]["scores"]) == {"digit", "parity", "font", "rotation"}
    assert all(len(each) == 2 for each in cells["uncertainty", 2]["scores"].values())
    # A linear head of 64 features, and the four log-variances.
    heads = 65 * (2 + 5 + 1)
    assert cells["uncertainty", 0]["parameters"] == cells["digit", 0]["parameters"] + heads + 4
    assert "digit, 2 a class" in capsys.readouterr().out
    for figure in ("accuracy.png", "weights.png"):
        assert (config.out / figure).exists()
    assert main(config) == cells


def test_the_digit_is_known_for_few_and_the_other_tasks_for_all(config):
    problem, _ = problem_of(config)
    sets = problem.sets(tuple(ROWS["equal"].tasks), 2, seed=0)
    assert np.bincount(sets["known"]["digit"]).tolist() == 10 * [2]
    assert len(sets["others"]["parity"]) == 100
    assert "digit" not in sets["others"]
    np.testing.assert_array_equal(sets["known"]["digit"] % 2, sets["known"]["parity"])
    assert set(problem.sets(("digit",), 2, seed=0)) == {"known"}
    assert len(problem.sets(("digit",), 0, seed=0)["known"]["digit"]) == 120


def test_every_shipped_font_has_a_family():
    names = [file.stem for file in shipped_fonts()]
    of = families(np.arange(len(names)), names)
    assert np.bincount(of).tolist() == len(FAMILIES) * [4]
    assert FAMILIES[of[names.index("DejaVuSansMono-Bold")]] == "DejaVuSansMono"
