"""Two tasks of a caller's own: which half of an image is bright, and how bright."""

from functools import partial

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.multitask.problem import Problem
from jtransfer.recipes.multitask.run import run_tasks
from jtransfer.recipes.multitask.task import Task, explained
from jtransfer.recipes.multitask.trainer import Options, Trainer
from jtransfer.train.run_folder import RunFolderError
from jtransfer.transfer.multitask.masked_criteria import masked_squared_error
from jtransfer.transfer.multitask.task_weights import FixedWeights

TASKS = {"side": Task(2), "light": Task(1, masked_squared_error, explained)}


def bright(count, seed):
    random = np.random.default_rng(seed)
    side, light = random.integers(0, 2, count), random.uniform(0.5, 1, count)
    images = np.zeros((count, 4, 4, 1), np.uint8)
    for image, half, value in zip(images, side, light, strict=True):
        image[:, 2 * half : 2 * half + 2] = 255 * value
    return {"image": images, "side": side, "light": np.float32(light)}


@pytest.fixture
def problem():
    return Problem(bright(64, 0), bright(32, 1), TASKS, scarce="side")


def trainer(problem, **options):
    stages = (("conv1", partial(ConvStage, 4, 3, "SAME")),)
    heads = {name: Head((), task.outputs) for name, task in TASKS.items()}
    settings = Options(**{"steps": 120, "batch": 16, "learning_rate": 0.02, **options})
    weighting = FixedWeights({"side": 1.0, "light": 0.5})
    net = MultitaskNet(Trunk(stages), heads)
    return Trainer(problem, net, weighting=weighting, options=settings)


def test_tasks_of_ones_own_are_learned_and_kept(problem, tmp_path, capsys):
    result = run_tasks(trainer(problem), "both", tmp_path, known=10, seeds=(0, 1))
    assert min(result["scores"]["side"]) > 0.9
    assert min(result["scores"]["light"]) > 0.5
    assert result["tasks"] == ["side", "light"]
    assert (tmp_path / "both-10-120" / "metrics.jsonl").exists()
    assert run_tasks(trainer(problem), "both", tmp_path, known=10, seeds=(0, 1)) == result
    assert capsys.readouterr().out.count("both-10-120: side") == 2
    other = Problem(bright(64, 2), problem.test, TASKS, scarce="side")
    with pytest.raises(RunFolderError, match=r"another config \(problem: "):
        run_tasks(trainer(other), "both", tmp_path, known=10, seeds=(0, 1))


def test_the_scarce_label_is_known_for_few_and_the_others_for_all(problem):
    sets = problem.sets(("side", "light"), 2, seed=0)
    assert np.bincount(sets["known"]["side"]).tolist() == [2, 2]
    assert len(sets["others"]["light"]) == 60
    assert "side" not in sets["others"]
    assert set(problem.sets(("side",), 2, seed=0)) == {"known"}
    assert len(problem.sets(("light",), 2, seed=0)["known"]["light"]) == 64


def test_what_does_not_fit_is_refused(problem):
    with pytest.raises(DataError, match="train has no light; expected images under 'image'"):
        Problem({name: problem.train[name] for name in ("image", "side")}, problem.test, TASKS)
    short = {**problem.test, "side": problem.test["side"][1:]}
    with pytest.raises(DataError, match=r"test has .*'side': 31.*; expected a label of each task"):
        Problem(problem.train, short, TASKS)
    with pytest.raises(DataError, match="the scarce task 'shape' is none of side, light"):
        Problem(problem.train, problem.test, TASKS, scarce="shape")
    one = Problem(problem.train, problem.test, {"side": TASKS["side"]})
    with pytest.raises(DataError, match="the net has a head for light; expected some of"):
        trainer(one)
    with pytest.raises(ValueError, match="1 training steps; expected 2 or more"):
        trainer(problem, steps=1)
