from functools import partial

import jax
import jax.numpy as jnp
import pytest

from experiments import fine_tune_images, tuned_nets
from experiments.deep_features import DeepNet
from experiments.fine_tune_images import main
from experiments.fine_tune_tables import fine_tuned_images
from experiments.tuned_config import Config
from experiments.tuned_nets import Tuned
from jtransfer.nets.weights.pretrained import PRETRAINED, Pretrained
from tests.experiments.toy_images import tiny_net, write_images

SIDE = 16


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The tiny net with random weights in the place of AlexNet."""
    variables = tiny_net().init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))

    def load_pretrained(name, template, *, path=None):
        part = {stage: variables["params"][stage] for stage in template["params"]}
        return Pretrained({"params": part}, "ab12", name)

    tuned = Tuned("conv2", ("probe", "full"), {"small": SIDE, "paper": SIDE}, 0.05, 0.05, 0.05)
    monkeypatch.setattr(tuned_nets, "NETS", {"alexnet_2014": DeepNet(tiny_net, "tiny")})
    monkeypatch.setattr(tuned_nets, "PRETRAINED", {"tiny": PRETRAINED["alexnet_2014"]})
    monkeypatch.setattr(tuned_nets, "load_pretrained", load_pretrained)
    for module in (tuned_nets, fine_tune_images):
        monkeypatch.setattr(module, "TUNED", {"alexnet_2014": tuned})
    monkeypatch.setattr(fine_tune_images, "HEAD_STEPS", 20)
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


def test_every_row_is_trained_and_tested(config, capsys):
    rows = ("probe", "frozen", "frozen_deep", "slow_trunk", "full", "lp_ft", "scratch")
    results = main(config(rows=rows))
    assert [each["row"] for each in results] == list(rows)
    assert results[0]["accuracy"] > 0.8
    # Colours are seen by any trunk; the frozen rows have few steps here.
    assert all(each["accuracy"] > 0.3 for each in results)
    assert results[4]["steps"] == 18
    printed = capsys.readouterr().out
    assert "0 are frozen" in printed
    assert "minutes a run" in printed

    assert main(config(rows=rows)) == results
    text = fine_tuned_images(results)
    assert f"| linear probe | {results[0]['accuracy']:.3f} |" in text


def test_the_defaults_are_the_nets_own(config, capsys):
    results = main(config(epochs=1, profile=True))
    assert [each["row"] for each in results] == ["probe", "full"]
    assert capsys.readouterr().out.count("ms a step   share  calls  operation") == 1
