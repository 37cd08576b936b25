import shutil
from functools import partial

import jax
import jax.numpy as jnp
import pytest

from experiments import fine_tune_images, tuned_nets
from experiments.fine_tune_images import main
from experiments.fine_tune_tables import fine_tuned_images
from experiments.tuned_config import Config
from experiments.tuned_nets import Tuned
from jtransfer.nets.weights.pretrained import PRETRAINED, Pretrained
from jtransfer.recipes.features.nets import DeepNet
from jtransfer.train.run_folder import RunFolderError
from tests.experiments.toy_images import tiny_net, write_images

SIDE = 16


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The tiny net with random weights in the place of AlexNet."""
    variables = tiny_net().init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))

    def load_pretrained(name, template, *, path=None):
        part = {stage: variables["params"][stage] for stage in template["params"]}
        return Pretrained({"params": part}, "ab12" if path is None else path.read_text(), name)

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


def test_runs_on_other_images_weights_or_numbers_of_images_are_not_averaged():
    def of(accuracy, **differs):
        shared = {"data": "folder:toys", "net": "alexnet_2014", "size": 16, "epochs": 6}
        shared |= {"batch": 6, "train": 6, "test_at_most": 50, "row": "probe", "seed": 0}
        made_by = {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}}
        return {**shared, "accuracy": accuracy, "seconds": 1.0, "made_by": made_by, **differs}

    text = fine_tuned_images(
        [
            of(0.1),  # of the time before fingerprints
            of(0.2, seed=1),
            of(0.3, fingerprint="a", weights="w"),
            of(0.4, fingerprint="b", weights="w"),
            of(0.5, fingerprint="b", weights="v"),
            of(0.6, fingerprint="b", weights="v", train=5),
        ]
    )
    rows = [line.split("|")[2].strip() for line in text.splitlines() if "| linear probe" in line]
    assert rows == ["0.150 ± 0.071", "0.300", "0.400", "0.500", "0.600"]
