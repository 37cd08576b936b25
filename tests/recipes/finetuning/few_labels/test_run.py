from dataclasses import replace

import jax
import numpy as np

from jtransfer.recipes.finetuning.few_labels.carried import carry
from jtransfer.recipes.finetuning.few_labels.options import Conduct
from jtransfer.recipes.finetuning.few_labels.run import run_tunings
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.run_folder import read_json
from tests.recipes.finetuning.toy_domains import OPTIONS, PROBLEM, examples


def test_the_source_net_is_trained_once(tmp_path):
    conduct = Conduct(out=tmp_path, source_steps=30)
    first, again = carry(PROBLEM, OPTIONS, conduct), carry(PROBLEM, OPTIONS, conduct)
    jax.tree.map(np.testing.assert_array_equal, first.variables, again.variables)
    (folder,) = (path for path in tmp_path.iterdir() if "source" in path.name)
    assert {path.name for path in (folder / "steps").iterdir() if path.is_dir()} == {"30"}
    result = read_json(folder / "result.json", dict, remedy="")
    assert {"source_accuracy", "target_accuracy"} <= result.keys()


def test_a_target_of_other_classes_gets_a_head_of_its_own(tmp_path):
    """Four classes beside the source's three; the source's own head is not asked about them."""
    classes = ("top", "middle", "bottom", "none")
    target, test = (
        replace(each, labels=np.where(np.arange(45) < 36, each.labels, 3), classes=classes)
        for each in (examples("t", 45, 60), examples("tt", 45, 61))
    )
    problem = replace(PROBLEM, target=target, test=test)
    conduct = Conduct(out=tmp_path, source_steps=30, steps=40, steps_all=60, prefix="mine-")
    results = run_tunings(
        problem, {"probe": Tuning("frozen")}, (2, 0), options=OPTIONS, conduct=conduct
    )
    assert results["probe", 2]["labelled_images"] == 8
    assert results["probe", 0]["labelled_images"] == 45
    assert results["probe", 0]["steps"] == 60
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine-source-30",
        "mine-probe-2-40-seeds0",
        "mine-probe-all-60-seeds0",
    }
    source = read_json(tmp_path / "mine-source-30" / "result.json", dict, remedy="")
    assert "target_accuracy" not in source
