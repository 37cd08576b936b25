from functools import partial

import numpy as np
import pytest

from experiments import layer_tasks, transfer_layers
from experiments.layer_tasks import TASKS, Problem, Task
from experiments.transfer_layers import Config, copy_layers, learner_of, main, train_bases
from jtransfer.data import Examples
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.transfer.finetuning.layers import first_layers


def tiny_net(*, classes):
    stages = (
        ("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),
        ("conv2", partial(ConvStage, 4, 3)),
    )
    return Classifier(Trunk(stages), Head((), classes))


def examples(name, count):
    """Five classes, told apart by which fifth of the image is bright."""
    random = np.random.default_rng(count)
    labels = np.arange(count) % 5
    images = random.integers(0, 60, (count, 10, 10, 1))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 150
    return Examples(images.astype(np.uint8), labels, tuple("abcde"), name)


@pytest.fixture
def problem(monkeypatch):
    made = Problem(examples("stripes", 60), examples("stripes test", 40))
    monkeypatch.setattr(Problem, "load", lambda task, data_root: made)
    monkeypatch.setitem(TASKS, "digits", Task("stripes", 10, tiny_net, 40, seen="nothing"))
    return made


def test_halves_are_disjoint_and_equal(problem):
    a, b = problem.halves(0)
    assert problem.classes == 2
    for half in (a, b):
        assert sorted(set(half.labels[half.positions])) == [0, 1]
        assert len(half.positions) == 24
        assert (half.labels >= 0).sum() == 24
        assert half.test_labels.tolist().count(0) == half.test_labels.tolist().count(1) == 8
        assert len(half.test_images) == 16
    assert not set(a.positions) & set(b.positions)
    # The same number stands for the same class in training and in test.
    of_class = problem.train.labels[a.positions][a.labels[a.positions] == 1]
    assert len(set(of_class)) == 1
    bright = problem.test.images[problem.test.labels == of_class[0]]
    np.testing.assert_array_equal(a.test_images[a.test_labels == 1], bright)
    assert any(
        not np.array_equal(problem.halves(seed)[0].positions, a.positions) for seed in range(1, 4)
    )


def test_a_call_runs_every_cell_and_shows_table_and_figure(problem, tmp_path, capsys):
    config = Config(seeds=(0, 1), batch=8, rate=0.1, out=tmp_path)
    cells = main(config)
    assert set(cells) == {(kind, n) for kind in ("BnB", "BnB+", "AnB", "AnB+") for n in (1, 2)}
    for result in cells.values():
        assert len(result["accuracies"]) == len(result["base_accuracies"]) == 2
    assert cells["BnB", 2]["base_accuracies"] == cells["AnB", 1]["base_accuracies"]
    assert (tmp_path / "digits.png").exists()
    printed = capsys.readouterr().out
    assert "layers copied" in printed
    assert main(config) == cells


@pytest.mark.parametrize("kind", ["BnB", "AnB+"])
def test_the_named_nets_layers_are_copied_and_the_frozen_ones_kept(
    problem, tmp_path, monkeypatch, kind
):
    config = Config(seeds=(0,), steps=3, batch=8, out=tmp_path)
    net = tiny_net(classes=2)
    everything = learner_of(config, problem, ())
    split = train_bases(config, problem, everything, 0)
    base = split.bases[kind[0]]["params"]["trunk"]
    assert not np.array_equal(
        *(split.bases[name]["params"]["trunk"]["conv1"]["conv"]["kernel"] for name in "AB")
    )
    starts, ends = [], []

    def spied(fresh, donor, layers):
        starts.append(copy_layers(fresh, donor, layers))
        return starts[-1]

    class Spy:
        def __init__(self, learner):
            self.learner = learner
            self.accuracy = learner.accuracy

        def train(self, *arguments, **options):
            ends.append(self.learner.train(*arguments, **options))
            return ends[-1]

    monkeypatch.setattr(transfer_layers, "copy_layers", spied)
    frozen = () if kind.endswith("+") else first_layers(net, 1)
    learner = Spy(learner_of(config, problem, frozen))
    transfer_layers.run_cell(config, problem, learner, [split], kind, 1)
    start, end = starts[0]["params"]["trunk"], ends[0].params["trunk"]
    for stage, copied in (("conv1", True), ("conv2", False)):
        kernel = start[stage]["conv"]["kernel"]
        assert np.array_equal(kernel, base[stage]["conv"]["kernel"]) == copied
        stays = kind == "BnB" and copied
        assert np.array_equal(kernel, end[stage]["conv"]["kernel"]) == stays


@pytest.mark.slow
def test_signs_are_split_into_21_and_21(data_root):
    problem = Problem.load(TASKS["signs"], data_root)
    assert problem.classes == 21
    for half in problem.halves(0):
        assert len(np.unique(half.labels[half.positions])) == 21
        assert len(np.unique(half.test_labels)) == 21


def test_the_real_tasks_have_nets_of_at_least_four_stages():
    for task in layer_tasks.TASKS.values():
        assert len(task.net(classes=2).trunk.stage_names) >= 4
