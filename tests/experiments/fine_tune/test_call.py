from functools import partial

import numpy as np
import pytest

from experiments.fine_tune import __main__ as script, config as settings
from experiments.fine_tune.__main__ import main
from experiments.fine_tune.config import Config
from experiments.fine_tune.pairs import PAIRS, problem_of
from experiments.fine_tune.rows import ROWS
from jtransfer.recipes.finetuning.few_labels.options import Options
from jtransfer.train.run_folder import RunFolderError
from tests.recipes.finetuning.toy_domains import PROBLEM, tiny_net


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Of tiny images and a tiny net in the place of the pair's."""
    monkeypatch.setattr(script, "problem_of", lambda pair, data_root: PROBLEM)
    monkeypatch.setattr(settings, "Options", partial(Options, net=tiny_net))
    return Config(
        rows=("scratch", "frozen", "l2_sp"),
        each=(1, 5),
        seeds=(0, 1),
        steps=8,
        source_steps=30,
        batch=8,
        source_batch=8,
        rates=(0.03, 0.1),
        out=tmp_path,
    )


def test_a_call_runs_every_cell_and_shows_table_and_figure(config, capsys):
    cells = main(config)
    assert set(cells) == {(row, each) for row in config.rows for each in (1, 5)}
    for (_, each), result in cells.items():
        assert len(result["target_accuracies"]) == len(result["chosen_rates"]) == 2
        assert result["labelled_images"] == 3 * each
        if each == 1:
            assert result["chosen_rates"] == [0.03, 0.03]
    assert cells["l2_sp", 5]["penalty"] == [0.1, 0.01]
    assert cells["scratch", 5]["penalty"] == []
    printed = capsys.readouterr().out
    assert "everything, L2-SP" in printed
    assert (config.out / "numbers-digits.png").exists()
    assert (config.out / "numbers-digits-l2_sp-5-8-seeds0-1" / "result.json").exists()
    assert (config.out / "numbers-digits-source-30" / "result.json").exists()
    # By its settings a run is found again, and by them the table is made.
    assert cells["frozen", 1].keys() == {
        *("experiment", "pair", "row", "each", "seeds", "steps", "batch", "rates"),
        *("regime", "hidden", "dropout", "penalty"),
        *("source_steps", "source_batch", "source_rate", "momentum", "data"),
        *("target_accuracies", "chosen_rates", "chosen_by", "labelled_images"),
        *("milliseconds_a_step", "seconds", "made_by"),
    }

    again = main(config)
    assert again == cells
    with pytest.raises(RunFolderError, match=r"rates: \[0\.03, 0\.1\] there, \[0\.03\] asked for"):
        main(Config(**{**vars(config), "rates": (0.03,)}))


def test_the_rows_are_the_nine_of_the_table():
    assert {name: row.tuning.regime for name, row in ROWS.items()} == {
        "scratch": "scratch",
        "frozen": "frozen",
        "frozen_deep": "frozen",
        "slow_trunk": "slow_trunk",
        "full": "full",
        "layerwise": "layerwise",
        "gradual": "gradual",
        "lp_ft": "lp_ft",
        "l2_sp": "full",
    }
    assert ROWS["l2_sp"].tuning.penalty == (0.1, 0.01)
    assert (ROWS["frozen_deep"].tuning.hidden, ROWS["frozen_deep"].tuning.dropout) == ((100,), 0.5)


@pytest.mark.slow
def test_mnist_and_usps_at_one_size(data_root):
    problem = problem_of(PAIRS["mnist-usps"], data_root)
    for part, count in (("source", 60_000), ("target", 7_291), ("test", 2_007)):
        assert getattr(problem, part).images.shape == (count, 20, 20, 1)
    assert np.bincount(problem.target.labels[problem.labelled(50, 0)]).tolist() == 10 * [50]
