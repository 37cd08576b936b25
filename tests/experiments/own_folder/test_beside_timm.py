import sys
from functools import partial

import numpy as np
import pytest

from experiments.own_folder import beside_timm as module
from experiments.own_folder.beside_timm import Config, accuracy, main, timed
from experiments.own_folder.beside_timm_table import OURS, beside_timm, headlines
from tests.experiments.toy_images import write_images


def turn(held_out, seconds):
    used = {"seconds": 2 * seconds, "processor_seconds": seconds, "gigabytes": 1.5}
    return {"fit": used, "predict": used | {"seconds": 7.0}, "held_out": held_out}


RESULT = {
    "data": "folder:pets",
    "train": 5,
    "test_at_most": None,
    "splits": 2,
    "measured": {
        OURS: [turn(0.9, 10.0), turn(0.8, 20.0)],
        "timm, nn.Linear": [turn(0.8, 50.0), turn(0.7, 70.0)],
    },
    "made_by": {"versions": {"jax": "0", "flax": "0"}, "device": "1 x cpu", "git_revision": "0"},
}


def test_rows_by_hand():
    said = beside_timm([RESULT])
    assert "| pets, 5 a class | jtransfer fit | 0.850 | 30 | 15 | 1.00 | 1.50 | 7 | 15 |" in said
    assert "| pets, 5 a class | timm, nn.Linear | 0.750 | 120 | 60 | 0.25 | 1.50 | 7 | 60 |" in said
    assert "judged on all other images." in said
    assert "at most 9 others of each class." in beside_timm([RESULT | {"test_at_most": 9}])
    assert beside_timm([]) == ""


def test_the_front_page_has_both():
    (line,) = headlines([RESULT])
    assert line.measured == "0.850, 15 s"
    assert line.published == "0.750, 60 s (timm, nn.Linear)"


def test_the_accuracy_is_the_mean_over_the_classes(tmp_path):
    said = tmp_path / "said.csv"
    said.write_text("file,class\nx/red/1.png,red\nx/red/2.png,blue\nx/blue/1.png,blue\n")
    assert accuracy(said, ("blue", "red")) == pytest.approx(0.75)


def test_a_command_that_fails_is_said(tmp_path):
    with pytest.raises(RuntimeError, match="failed:\nno folder"):
        timed((sys.executable, "-c", "import sys; sys.exit('no folder')"), tmp_path)


def test_seconds_and_memory_are_those_of_the_command(tmp_path):
    held = np.ones(2**27)  # of which nothing is the command's
    busy = "import time\nheld = b'1' * 600_000_000\nwhile time.process_time() < 0.3: pass"
    measured = timed((sys.executable, "-c", busy), tmp_path)
    assert 0.3 <= measured["processor_seconds"] < 3
    assert measured["seconds"] >= 0.3
    assert held.nbytes > 1e9
    assert 0.6 < measured["gigabytes"] < 0.9


GUESS = """
import pathlib, sys
train, rest, said = map(pathlib.Path, sys.argv[1:])
lines = ["file,class"] + [f"{path},red" for path in sorted(rest.glob("*/*"))]
assert len([*train.glob("*/*")]) == 3
said.write_text("\\n".join(lines))
"""


def always_red(train, rest, made):
    command = (sys.executable, "-c", GUESS, str(train), str(rest), str(made / "said.csv"))
    return (sys.executable, "-c", ""), command


def test_a_call_judges_every_way_on_the_images_that_made_no_model(tmp_path, monkeypatch):
    write_images(tmp_path / "toys", each=3)
    monkeypatch.setattr(module, "WAYS", {OURS: always_red, "other": partial(always_red)})
    config = Config(data="folder:toys", train=1, splits=2, data_root=tmp_path, out=tmp_path / "out")
    measured = main(config)["measured"]
    found = [each["held_out"] for name in (OURS, "other") for each in measured[name]]
    np.testing.assert_allclose(found, [1 / 3] * 4)
