"""The default, a drawn world, shrunk."""

import json
from functools import partial

import pytest

from experiments.zero_shot import world
from experiments.zero_shot.__main__ import main
from experiments.zero_shot.config import Config, World
from experiments.zero_shot.table import headlines, zero_shot as section
from jtransfer.data.synthetic.attribute_world import load_attribute_world
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from tests.measure.picture import pixels_of


def small_net(**_):
    stages = (("conv1", partial(ConvStage, 4, 5, pool=(4, 4), norm=True)),)
    return Classifier(Trunk(stages), Head((), 16))


def test_every_seed_is_measured_drawn_and_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(world, "sign_net", small_net)
    settings = World(images=400, test_images=300, held_out=2, steps=8, batch=16)
    config = Config(seeds=(3,), out=tmp_path / "out", world=settings)
    (result,) = results = main(config)
    assert (result["known"], result["validation_classes"], result["unseen"]) == (144, 48, 96)
    assert result["rule"] in result["validation"]
    S, U, H = (result["calibrated"][letter] for letter in "SUH")
    assert pytest.approx(2 * S * U / (S + U) if S + U else 0) == H
    printed = capsys.readouterr().out
    assert "96 unseen: chance 0.010" in printed
    folder = config.out / "synthetic-attributes-8-seed3"
    assert pixels_of(folder / "unseen.png").shape[1] == 8 * 158 + 48
    assert json.loads((folder / "result.json").read_text()) == results[0]
    assert main(config) == results
    assert capsys.readouterr().out.count("finished before") == 1
    drawn = load_attribute_world("test", size=300, seed=3)
    assert result["fingerprints"]["test"] == drawn.fingerprint()
    text = section(results)
    assert "### `synthetic:attributes`, 96 unseen combinations, chance 0.010" in text
    assert text.count("\n| shape |") == 1
    (headline,) = headlines(results)
    assert headline.task.startswith("synthetic:attributes, unseen combinations")
    assert headline.measured == f"{result['accuracy']:.3f}"


@pytest.mark.slow
def test_the_default_names_nine_in_ten_unseen_combinations(tmp_path):
    (result,) = main(Config(seeds=(0,), out=tmp_path / "out"))
    assert result["accuracy"] >= 0.90
