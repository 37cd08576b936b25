from functools import partial

import numpy as np
import pytest

from experiments import adapt_digits
from experiments.adapt_digits import Config, main
from experiments.domain_pairs import Problem
from jtransfer.data import Examples
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.trunk import ConvStage, Head, Trunk
from jtransfer.train.run_folder import RunFolderError


def tiny_net(*, classes, norm=False, dropout=0.0):
    stage = partial(ConvStage, 4, 3, pool=(2, 2), norm=norm, dropout=dropout)
    return AdaptationNet(Trunk((("conv1", stage),)), Head((8,), classes), Head((8,), 1))


def examples(name, count, brightness):
    """Three classes, told apart by which third of the image is bright."""
    random = np.random.default_rng(brightness)
    labels = random.integers(0, 3, count)
    images = random.integers(0, 60, (count, 12, 12, 3)) + brightness
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 100
    return Examples(images.astype(np.uint8), labels, ("top", "middle", "bottom"), name)


@pytest.fixture
def problem(monkeypatch):
    made = Problem(examples("dark", 48, 0), examples("bright", 48, 90), examples("test", 30, 91))
    monkeypatch.setattr(Problem, "load", lambda pair, data_root: made)
    monkeypatch.setattr(adapt_digits, "GANIN_NETS", {"mnist": tiny_net})
    return made


@pytest.fixture
def config(tmp_path):
    return Config(
        seeds=(0, 1), steps=200, batch=8, evaluate_every=100, checkpoint_every=100, out=tmp_path
    )


def test_a_call_runs_every_cell_and_shows_table_and_figures(problem, config, capsys):
    cells = main(config)
    assert set(cells) == {(m, s) for m in ("source", "dann", "target") for s in (0, 1)}
    assert cells["target", 0].result["target_accuracy"] > 0.9
    for cell in cells.values():
        assert cell.result["chosen_by"] == "last step"
        assert cell.records[-1]["step"] == 200
    printed = capsys.readouterr().out
    assert "DANN" in printed
    assert "train on target" in printed
    pictures = {path.name for path in (config.out / "numbers-digits-normed-figures").iterdir()}
    assert {"samples.png", "curves.png", "embedding.png", "confusion-DANN.png"} <= pictures

    again = main(config)
    trained = capsys.readouterr()
    assert "finished before" in trained.out
    assert "examples/s" not in trained.err
    assert {key: cell.result for key, cell in again.items()} == {
        key: cell.result for key, cell in cells.items()
    }


def test_a_folder_with_another_config_is_refused(problem, config):
    short = {**vars(config), "methods": ("source",), "seeds": (0,), "steps": 2}
    short |= {"evaluate_every": 0, "checkpoint_every": 0}
    main(Config(**short))
    with pytest.raises(RunFolderError, match=r"rate: 0\.03 there, 0\.02 asked for"):
        main(Config(**{**short, "rate": 0.02}))


def test_only_training_on_the_target_sees_its_labels(problem):
    seen = {
        method: {
            name: set(fields)
            for name, fields in problem.feed(method, batch=8, seed=0).constants.items()
        }
        for method in ("source", "dann", "target")
    }
    assert seen == {
        "source": {"source": {"image", "label"}},
        "dann": {"source": {"image", "label"}, "target": {"image"}},
        "target": {"target": {"image", "label"}},
    }


def test_source_only_training_is_not_touched_by_the_target(problem, config, monkeypatch):
    """The target enters source-only results through the mean of its images alone."""
    net = tiny_net(classes=3, norm=True)
    program = adapt_digits.build(config, problem, "source")
    variables = adapt_digits.initial_variables(net, problem, seed=0)
    means = variables["batch_stats"]["trunk"]["conv1"]["norm"]["mean"]
    assert means.shape == (2, 4)
    feed = problem.feed("source", batch=8, seed=0)
    state = adapt_digits.TrainState.create(
        variables, program.optimizer, rng=adapt_digits.jax.random.key(0)
    )
    state, _ = program.step(state, feed.constants, feed.inputs(0))
    after = state.stats["batch_stats"]["trunk"]["conv1"]["norm"]["mean"]
    np.testing.assert_array_equal(after[1], np.zeros(4))
    assert np.abs(after[0]).max() > 0
