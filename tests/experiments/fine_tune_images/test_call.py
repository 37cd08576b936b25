import shutil
from functools import partial

import pytest

from experiments.fine_tune_images import __main__ as script, config as settings
from experiments.fine_tune_images.__main__ import main
from experiments.fine_tune_images.config import Config
from experiments.fine_tune_images.rows import NETS, ROWS, NetRows
from experiments.fine_tune_images.table import fine_tuned_images
from jtransfer.recipes.finetuning.images.options import Options
from jtransfer.train.run_folder import RunFolderError
from tests.experiments.toy_images import write_images
from tests.recipes.finetuning.toy_net import SIDE, TUNED, publish


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The tiny net with random weights in the place of AlexNet."""
    publish(monkeypatch)
    rows = NetRows(("probe", "full"), {"small": SIDE, "paper": SIDE}, seen="nothing")
    monkeypatch.setattr(script, "tuned_net", {"alexnet_2014": TUNED}.__getitem__)
    monkeypatch.setitem(NETS, "alexnet_2014", rows)
    monkeypatch.setattr(settings, "Options", partial(Options, head_steps=20))
    write_images(tmp_path / "data" / "toys", each=9)
    return partial(
        Config,
        data="folder:toys",
        epochs=6,
        batch=6,
        train=6,
        checkpoint_every=8,
        workers=0,
        data_root=tmp_path / "data",
        out=tmp_path / "out",
    )


def test_the_defaults_are_the_nets_own(config, capsys):
    results = main(config(profile=True))
    assert [each["row"] for each in results] == ["probe", "full"]
    assert results[0]["accuracy"] > 0.8
    assert results[1]["steps"] == 18
    printed = capsys.readouterr().out
    assert printed.count("ms a step   share  calls  operation") == 1
    assert "minutes a run" in printed

    assert main(config(profile=True)) == results
    text = fine_tuned_images(results)
    assert f"| linear probe | {results[0]['accuracy']:.3f} |" in text


def test_the_rows_are_the_seven_of_the_table():
    regimes = {name: row.tuning and row.tuning.regime for name, row in ROWS.items()}
    assert regimes == {
        "probe": None,
        "frozen": "frozen",
        "frozen_deep": "frozen",
        "slow_trunk": "slow_trunk",
        "full": "full",
        "lp_ft": "lp_ft",
        "scratch": "scratch",
    }
    deep = ROWS["frozen_deep"].tuning
    assert (deep.hidden, deep.dropout) == ((512,), 0.5)


def test_a_result_is_keyed_by_the_images_and_the_weights_it_came_from(config, tmp_path):
    asked = partial(config, rows=("probe",), size=SIDE)
    (first,) = main(asked())
    assert first["weights"] == "ab12"
    assert (tmp_path / "out" / "toys-alexnet_2014-probe-16px-6epochs-train6-seed0").is_dir()
    # Another number of images is another run, not a clash with this one.
    assert main(asked(train=5))[0]["train"] == 5

    (tmp_path / "other").write_text("cd34")
    with pytest.raises(RunFolderError, match="weights: 'ab12' there, 'cd34' asked for"):
        main(asked(weights=tmp_path / "other"))

    images = tmp_path / "data" / "toys"
    for name in ("green", "red"):  # two of three classes, as blue as the third
        for file in sorted((images / name).iterdir()):
            shutil.copy(images / "blue" / file.name, file)
    with pytest.raises(RunFolderError, match=r"fingerprint: '[0-9a-f]{16}' there, '[0-9a-f]{16}'"):
        main(asked())
    (anew,) = main(asked(out=tmp_path / "anew"))
    assert anew["accuracy"] < first["accuracy"]
