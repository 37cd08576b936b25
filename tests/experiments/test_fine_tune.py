from functools import partial

import jax
import numpy as np
import pytest

from experiments import fine_tune, regime_rows
from experiments.fine_tune import Config, main, prepare
from experiments.regime_rows import ROWS, Trainer, fresh_variables
from experiments.transfer_pairs import PAIRS, Problem
from jtransfer.data import Examples
from jtransfer.data.examples import DataError
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.train.run_folder import RunFolderError


def tiny_net(*, classes, hidden=(), dropout=0.0):
    stages = (
        ("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),
        ("conv2", partial(ConvStage, 4, 3, norm=True)),
    )
    return Classifier(Trunk(stages), Head(hidden, classes, dropout=dropout))


def examples(name, count, brightness):
    """Three classes, told apart by which third of the image is bright."""
    random = np.random.default_rng(brightness)
    labels = np.arange(count) % 3
    images = random.integers(0, 60, (count, 12, 12, 1)) + brightness
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 100
    return Examples(images.astype(np.uint8), labels, ("top", "middle", "bottom"), name)


@pytest.fixture
def problem(monkeypatch):
    made = Problem(
        examples("dark", 48, 0),
        examples("dark test", 30, 1),
        examples("bright", 45, 60),
        examples("bright test", 30, 61),
    )
    monkeypatch.setattr(Problem, "load", lambda pair, data_root: made)
    for module in (fine_tune, regime_rows):
        monkeypatch.setattr(module, "digit_net", tiny_net)
    return made


@pytest.fixture
def config(tmp_path):
    return Config(
        each=(1, 5),
        steps=8,
        source_steps=30,
        batch=8,
        source_batch=8,
        rates=(0.03, 0.1),
        out=tmp_path,
    )


def test_a_call_runs_every_cell_and_shows_table_and_figure(problem, config, capsys):
    config = Config(**{**vars(config), "rows": ("scratch", "frozen", "l2_sp"), "seeds": (0, 1)})
    cells = main(config)
    assert set(cells) == {(row, each) for row in config.rows for each in (1, 5)}
    for (_, each), result in cells.items():
        assert len(result["target_accuracies"]) == len(result["chosen_rates"]) == 2
        assert result["labelled_images"] == 3 * each
        if each == 1:
            assert result["chosen_rates"] == [0.03, 0.03]
    assert cells["l2_sp", 5]["penalty"] == [0.1, 0.01]
    assert cells["scratch", 5]["penalty"] == []
    printed = capsys.readouterr().out
    assert "everything, L2-SP" in printed
    assert (config.out / "numbers-digits.png").exists()

    again = main(config)
    assert again == cells
    with pytest.raises(RunFolderError, match=r"rates: \[0\.03, 0\.1\] there, \[0\.03\] asked for"):
        main(Config(**{**vars(config), "rates": (0.03,)}))


@pytest.mark.parametrize("row", list(ROWS))
def test_every_row_trains_from_the_right_start(problem, config, row):
    """With a rate of almost nothing the nets stay where they start."""
    bench = prepare(config, problem)
    trainer = Trainer.build(bench, ROWS[row], steps=4, batch=8, momentum=0.9)
    positions = problem.labelled(5, 0)
    state = trainer.train(positions, 1e-12, seed=3)
    assert 0 <= trainer.test(state) <= 1
    assert 0 <= trainer.validate(state, positions) <= 1
    regime = ROWS[row].regime
    if regime == "frozen":
        assert set(state.params) == {"head"}
        return
    fresh = fresh_variables(trainer.net, problem, seed=3)["params"]
    expected = fresh if regime == "scratch" else bench.source["params"]
    close = partial(np.testing.assert_allclose, atol=1e-6)
    jax.tree.map(close, state.params["trunk"], expected["trunk"])
    if regime != "lp_ft":
        jax.tree.map(close, state.params["head"], fresh["head"])
    else:
        assert not np.allclose(state.params["head"]["out"]["bias"], 0)


def test_labelled_images_are_as_many_of_each_class(problem):
    drawn = problem.labelled(5, 0)
    assert np.bincount(problem.target.labels[drawn]).tolist() == [5, 5, 5]
    assert not np.array_equal(drawn, problem.labelled(5, 1))
    assert len(problem.labelled(0, 0)) == 45
    with pytest.raises(DataError, match="too few examples: top has 15"):
        problem.labelled(15, 0)


@pytest.mark.slow
def test_mnist_and_usps_at_one_size(data_root):
    problem = Problem.load(PAIRS["mnist-usps"], data_root)
    for part, count in (("source", 60_000), ("target", 7_291), ("test", 2_007)):
        assert getattr(problem, part).images.shape == (count, 20, 20, 1)
    assert np.bincount(problem.target.labels[problem.labelled(50, 0)]).tolist() == 10 * [50]


def test_the_source_net_is_trained_once(problem, config):
    first, again = prepare(config, problem), prepare(config, problem)
    jax.tree.map(np.testing.assert_array_equal, first.source, again.source)
    (folder,) = (path for path in config.out.iterdir() if "source" in path.name)
    assert (folder / "result.json").exists()
    kept = {path.name for path in (folder / "steps").iterdir() if not path.name.startswith(".")}
    assert kept == {"30"}
