"""The default, a drawn world, shrunk."""

import json
from functools import partial

import numpy as np
import pytest

from experiments import zero_shot_world
from experiments.zero_shot import Config, main
from experiments.zero_shot_tables import zero_shot as section
from experiments.zero_shot_world import Classes, World, choose, measure
from jtransfer.data.synthetic.attribute_world import combinations, load_attribute_world
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from tests.measure.picture import pixels_of


def small_net(**_):
    stages = (("conv1", partial(ConvStage, 4, 5, pool=(4, 4), norm=True)),)
    return Classifier(Trunk(stages), Head((), 16))


def test_every_seed_is_measured_drawn_and_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(zero_shot_world, "sign_net", small_net)
    world = World(images=400, test_images=300, held_out=2, steps=8, batch=16)
    config = Config(seeds=(3,), out=tmp_path / "out", world=world)
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


def test_perfect_attributes_name_every_combination():
    """And one that is never told is what is missing: colour, whose four are equally probable."""
    classes = Classes.make()
    parts = [classes.known, classes.validation, classes.unseen]
    assert sorted(np.concatenate(parts)) == list(range(288))
    train = load_attribute_world("train", size=384)
    test = load_attribute_world("test", size=288)
    held = np.flatnonzero(np.isin(train.labels, classes.known))
    choice = choose(classes, train, classes.table[train.labels], held)
    assert choice["validation"] == {"product": 1.0, "distance": 1.0}
    measured = measure(classes, test, classes.table[test.labels], choice)
    ends = (measured["accuracy"], measured["all_right"], measured["calibrated"]["H"])
    assert ends == pytest.approx((1, 1, 1))
    blind = classes.table[test.labels].copy()
    blind[:, 8:12] = 0.25
    measured = measure(classes, test, blind, choice)
    assert measured["attributes"]["shape"] == {"known": 1.0, "unseen": 1.0}
    # Told to be red, and a quarter is; among the unseen the other attributes tell some more.
    red = combinations()[classes.unseen, 3] == 0
    assert measured["all_right"] == pytest.approx(red.mean())
    assert red.mean() < measured["accuracy"] < 0.9


@pytest.mark.slow
def test_the_default_names_nine_in_ten_unseen_combinations(tmp_path):
    (result,) = main(Config(seeds=(0,), out=tmp_path / "out"))
    assert result["accuracy"] >= 0.90
