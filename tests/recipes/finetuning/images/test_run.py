import json
from functools import partial

import pytest

from jtransfer.data.examples import DataError
from jtransfer.data.loading import load_files
from jtransfer.recipes.finetuning.images.options import Conduct, Options
from jtransfer.recipes.finetuning.images.run import run_on_images
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.run_folder import RunFolderError
from tests.experiments.toy_images import write_images
from tests.recipes.finetuning.toy_net import SIDE, TUNED, publish

TUNINGS = {
    "probe": None,
    "frozen": Tuning("frozen"),
    "deep": Tuning("frozen", hidden=(16,), dropout=0.5),
    "slow_trunk": Tuning("slow_trunk"),
    "full": Tuning("full"),
    "l2_sp": Tuning("full", penalty=(0.1, 0.01)),
    "lp_ft": Tuning("lp_ft"),
    "scratch": Tuning("scratch"),
}
OPTIONS = Options(epochs=6, batch=6, head_steps=20)


@pytest.fixture
def run(tmp_path, monkeypatch):
    publish(monkeypatch)
    write_images(tmp_path / "toys", each=9)
    files = load_files("folder:toys", data_root=tmp_path)
    conduct = Conduct(out=tmp_path / "out", checkpoint_every=8, workers=0, prefix="toys-")
    of_files = partial(run_on_images, files, TUNED, side=SIDE, train=6, conduct=conduct)
    return partial(of_files, options=OPTIONS)


def test_every_tuning_is_trained_and_judged(run, tmp_path, capsys):
    results = run(TUNINGS)
    assert [each["row"] for each in results] == list(TUNINGS)
    by_row = {each["row"]: each for each in results}
    assert by_row["probe"]["accuracy"] > 0.8
    # Colours are seen by any trunk; the frozen rows have few steps here.
    assert all(each["accuracy"] > 0.3 for each in results)
    # Six epochs of three batches.
    assert by_row["full"]["steps"] == 18
    assert "0 are frozen" in capsys.readouterr().out
    assert run(TUNINGS) == results
    name = "toys-{}-16px-6epochs-train6-seed0"
    folders = [tmp_path / "out" / name.format(row) for row in ("full", "l2_sp")]
    logged = [json.loads((each / "metrics.jsonl").read_text().split("\n")[0]) for each in folders]
    assert ["penalty" in each for each in logged] == [False, True]


def test_a_result_is_keyed_by_how_it_was_trained(run):
    tunings = {"probe": None, "mine": Tuning("frozen")}
    run(tunings)
    with pytest.raises(RunFolderError, match=r"hidden: \[\] there, \[9\] asked for"):
        run({"mine": Tuning("frozen", hidden=(9,))})
    longer = Options(epochs=6, batch=6, head_steps=21)
    with pytest.raises(RunFolderError, match="head_steps: 20 there, 21 asked for"):
        run({"mine": Tuning("frozen")}, options=longer)
    # Nothing of the probe depends on that.
    assert run({"probe": None}, options=longer)[0]["row"] == "probe"


def test_an_unreadable_image_stops_it_or_is_left_out(run, tmp_path):
    broken = sorted((tmp_path / "toys").glob("*/*"))[0]
    broken.write_bytes(b"\x89PNG cut")
    with pytest.raises(DataError, match=broken.name):
        run({"probe": None})
    conduct = Conduct(out=tmp_path / "out", workers=0, on_unreadable="skip")
    (result,) = run({"probe": None}, conduct=conduct)
    assert result["accuracy"] > 0.8
