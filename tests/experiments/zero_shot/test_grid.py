from dataclasses import replace

import numpy as np
import pytest

from experiments.zero_shot import grid
from experiments.zero_shot.__main__ import main
from experiments.zero_shot.config import Config, Grid
from experiments.zero_shot.table import headlines, zero_shot as section
from jtransfer.recipes.zero_shot.fitting import by_gradient
from jtransfer.recipes.zero_shot.method import Method
from jtransfer.recipes.zero_shot.methods import METHODS
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolderError
from jtransfer.transfer.zero_shot.compatibility import Bilinear, ale_ranking
from tests.experiments.animals import write_animals
from tests.measure.picture import pixels_of


@pytest.fixture
def root(tmp_path):
    return write_animals(tmp_path)


@pytest.fixture
def config(root, monkeypatch):
    small = {name: replace(each, settings=each.settings[-2:]) for name, each in METHODS.items()}
    small["ale"] = Method(
        "ALE",
        ({"rate": 0.01, "steps": 20}, {"rate": 0.01, "steps": 40}),
        by_gradient(Bilinear(), ale_ranking, batch=8),
        trained=True,
    )
    monkeypatch.setattr(grid, "METHODS", small)
    return Config(
        data="npz:awa1",
        grid=Grid(methods=("dap", "ale"), sides=("binary", "both"), folds=2, words="words.npz"),
        seeds=(0, 1),
        data_root=root,
        out=root / "out",
    )


def test_every_cell_is_measured_and_drawn(config, capsys):
    results = main(config)
    printed = capsys.readouterr().out
    cells = [(each["side"], each["method"]) for each in results]
    assert cells == [("binary", "dap"), ("binary", "ale"), ("both", "ale")]
    by_name = dict(zip(cells, results, strict=True))
    # Attributes that features show are recognised in combinations never seen.
    assert by_name["binary", "dap"]["measured"][0]["accuracy"] > 0.9
    assert [run["seed"] for run in by_name["binary", "ale"]["measured"]] == [0, 1]
    for each in results:
        assert each["setting"] in each["settings"]
        for run in each["measured"]:
            assert np.array(run["confusion"]).sum() == 24
            S, U, H = (run["calibrated"][letter] for letter in "SUH")
            assert pytest.approx(2 * S * U / (S + U) if S + U else 0) == H
            assert 0 <= run["area"] <= 1
    assert "chance 0.500" in printed
    folder = config.out / "awa1-ale-both"
    assert pixels_of(folder / "map.png").shape == (1170, 1105, 3)
    assert (folder / "confusion.png").exists()

    assert main(config) == results
    assert capsys.readouterr().out.count("finished before") == 3

    text = section(results)
    row = next(line for line in text.splitlines() if line.startswith("| DAP"))
    assert row.endswith("| .405 |")
    assert "only rgsift and phog are at hand" in text
    assert section([]) == ""

    favoured = max(results, key=lambda each: each["validation"])
    rows = {each.task: each.published for each in headlines(results)}
    assert rows["AwA1, unseen classes: DAP, binary attributes"].startswith(".405 ")
    assert len(rows) == len({("binary", "dap"), (favoured["side"], favoured["method"])})
    assert headlines([]) == []


def test_over_devices_it_is_the_cell_of_one(config):
    config = replace(config, grid=replace(config.grid, methods=("ale",), sides=("binary",)))
    (single,) = main(config)
    (shared,) = main(replace(config, parallel=Parallel(devices=2), out=config.out / "two"))
    assert shared["setting"] == single["setting"]
    for ours, theirs in zip(shared["measured"], single["measured"], strict=True):
        assert ours["confusion"] == theirs["confusion"]
        assert ours["area"] == pytest.approx(theirs["area"])


@pytest.mark.slow
def test_eszsl_on_the_real_animals(data_root, tmp_path):
    """At least .33 with continuous attributes, the setting chosen on validation classes."""
    grid = Grid(methods=("eszsl",), sides=("continuous",))
    config = Config(data="npz:awa1", grid=grid, data_root=data_root, out=tmp_path / "out")
    assert main(config)[0]["measured"][0]["accuracy"] >= 0.33


@pytest.mark.parametrize("changed", ["awa1.npz", "words.npz"])
def test_a_result_is_keyed_by_features_and_tables(config, root, changed):
    config = replace(config, grid=replace(config.grid, methods=("dap",), sides=("binary",)))
    main(config)
    arrays = dict(np.load(root / changed))
    name = "rgsift_sqrt_u8" if changed == "awa1.npz" else "vectors"
    arrays[name] = arrays[name][::-1]
    np.savez(root / changed, **arrays)
    with pytest.raises(RunFolderError, match=r"another config \(fingerprint: "):
        main(config)
