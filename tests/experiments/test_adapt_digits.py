import os
import shutil
import signal
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

from experiments.adapt_digits import __main__ as command, figures, setup
from experiments.adapt_digits.__main__ import main
from experiments.adapt_digits.config import Config
from experiments.adapt_digits.setup import conduct_of, options_of
from jtransfer.data import Examples
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.adaptation.descent import AVERAGE
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import build, feed_of, initial_variables
from jtransfer.recipes.adaptation.run_methods import run_methods
from jtransfer.train.averaging import averaged_params
from jtransfer.train.loop import Interrupted
from jtransfer.train.run_folder import RunFolderError
from jtransfer.train.state import TrainState
from jtransfer.train.together import RunsFeed


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
    made = Problem(
        examples("dark", 48, 0),
        examples("bright", 48, 90),
        examples("test", 30, 91),
        examples("dark", 20, 1),
    )
    monkeypatch.setattr(command, "problem_of", lambda pair, data_root: made)
    monkeypatch.setattr(setup, "NETS", {"mnist": tiny_net})
    return made


@pytest.fixture
def config(tmp_path):
    return Config(
        seeds=(0, 1), steps=200, batch=8, evaluate_every=100, checkpoint_every=100, out=tmp_path
    )


def run_cells(config, problem):
    return run_methods(
        problem,
        config.methods,
        options=options_of(config),
        conduct=conduct_of(config),
        seeds=config.seeds,
        together=config.together,
    )


QUICK = ("source", "sa", "dann", "adda", "target")  # the others take a minute to compile


def test_a_call_runs_every_cell_and_shows_table_and_figures(problem, config, capsys):
    every_cell(Config(**{**vars(config), "methods": QUICK}), capsys)


@pytest.mark.slow
def test_a_call_of_every_method(problem, config, capsys):
    every_cell(config, capsys)
    pictures = {path.name for path in (config.out / "fonts-photographs-normed-figures").iterdir()}
    assert "translation.png" in pictures


def every_cell(config, capsys):
    cells = main(config)
    assert set(cells) == {(m, s) for m in config.methods for s in (0, 1)}
    assert cells["target", 0].result["target_accuracy"] > 0.9
    for (method, _), cell in cells.items():
        if method == "sa":
            assert cell.result["oracle"]["target_accuracy"] >= cell.result["target_accuracy"]
            assert cell.result["chosen_by"].startswith("agreement on the target")
        else:
            assert cell.result["chosen_by"] == "last step"
            assert cell.records[-1]["step"] == 200
            oracle = cell.result["checkpoints"]["oracle"]["target_accuracy"]
            for choice in cell.result["checkpoints"].values():
                assert choice["step"] in (100, 200)
                assert choice["target_accuracy"] <= oracle
    printed = capsys.readouterr().out
    assert "train on target" in printed
    pictures = {path.name for path in (config.out / "fonts-photographs-normed-figures").iterdir()}
    assert {"samples.png", "curves.png", "embedding.png", "confusion-DANN.png"} <= pictures

    again = main(config)
    trained = capsys.readouterr()
    assert "finished before" in trained.out
    assert "examples/s" not in trained.err
    assert {key: cell.result for key, cell in again.items()} == {
        key: cell.result for key, cell in cells.items()
    }


def test_samples_of_a_sorted_set_are_of_all_its_classes(problem, config, monkeypatch):
    """GTSRB's images come sorted: its first would show one sign."""
    order = np.argsort(problem.target.labels)
    target = replace(
        problem.target, images=problem.target.images[order], labels=problem.target.labels[order]
    )
    shown = {}
    monkeypatch.setattr(figures, "samples_figure", lambda domains, *_, **__: shown.update(domains))
    monkeypatch.setattr(figures, "curves_figure", lambda *_, **__: None)
    figures.figures(config, replace(problem, target=target), {})
    for images, labels in shown.values():
        assert len(images) == len(labels) == figures.SHOWN
        assert set(labels) == {0, 1, 2}


def test_without_a_look_at_the_test_images_there_are_no_curves(problem, config, capsys):
    short = {**vars(config), "methods": ("sa",), "seeds": (0,), "steps": 4}
    main(Config(**short | {"evaluate_every": 0, "checkpoint_every": 0}))
    pictures = {path.name for path in (config.out / "fonts-photographs-normed-figures").iterdir()}
    assert pictures == {"samples.png", "confusion-SA.png", "embedding.png"}
    assert "curves" not in capsys.readouterr().out


def test_a_folder_with_another_config_is_refused(problem, config, capsys):
    short = {**vars(config), "methods": ("source",), "seeds": (0,), "steps": 2}
    short |= {"evaluate_every": 0, "checkpoint_every": 0, "profile": True}
    run_cells(Config(**short), problem)
    assert "ms a step   share  calls  operation" in capsys.readouterr().out
    with pytest.raises(RunFolderError, match=r"rate: 0\.01 there, 0\.02 asked for"):
        run_cells(Config(**{**short, "rate": 0.02}), problem)


def test_only_training_on_the_target_sees_its_labels(problem):
    for name, method in METHODS.items():
        feed = problem.feed(method.sees, method.labelled, batch=8, seed=0)
        seen = {domain: set(fields) for domain, fields in feed.constants.items()}
        with_labels = {"image", "label"}
        assert (seen.get("target") == with_labels) == (name == "target")
        unlabelled = ("target", "adda", "shot", "tent")
        assert (seen.get("source") == with_labels) == (name not in unlabelled)


@pytest.mark.parametrize(
    "methods",
    [
        ("sa", "dann", "weighted"),
        pytest.param(("adda", "translation", "teacher"), marks=pytest.mark.slow),
        pytest.param(
            ("coral", "dan", "jan", "deepjdot", "afn", "mcc", "mdd", "cdan", "cdan_e"),
            marks=pytest.mark.slow,
        ),
        pytest.param(("self_training", "shot", "tent"), marks=pytest.mark.slow),
    ],
)
def test_poisoned_target_labels_change_nothing(problem, config, methods):
    """No method but training on the target reads them."""
    short = {**vars(config), "methods": methods, "seeds": (0,), "steps": 4}
    short |= {"evaluate_every": 0, "checkpoint_every": 0}
    before = run_cells(Config(**short), problem)
    poisoned = replace(
        problem, target=replace(problem.target, labels=(problem.target.labels + 1) % 3)
    )
    after = run_cells(Config(**{**short, "out": config.out / "poisoned"}), poisoned)
    for method in methods:
        for images in (problem.target.images, problem.test.images):
            np.testing.assert_array_equal(
                before[method, 0].target_features(images), after[method, 0].target_features(images)
            )
            np.testing.assert_array_equal(
                before[method, 0].guess(images), after[method, 0].guess(images)
            )


def test_augmented_images_are_standardised_and_changed_in_training(problem, config):
    augmented = Config(**{**vars(config), "net": "augmented", "batch": 4})
    # ADDA starts from the source-only run: it must read images as that did.
    for name in ("source", "dann", "weighted", "adda", "target"):
        plain, changed = (
            METHODS[name].recipe(problem, options_of(each), 4) for each in (config, augmented)
        )
        assert (plain.pixels, plain.augment) == ("centred", None)
        assert changed.pixels == "standardised"
        assert "random convolution" in changed.settings["augment"]
        feed = feed_of(problem, options_of(augmented), name, changed, seed=0)
        batch = feed.gather(feed.constants, feed.inputs(0))
        made = changed.augment(jax.random.key(0), batch)
        for domain, fields in batch.items():
            assert not np.allclose(made[domain]["image"], fields["image"])
            assert fields.keys() == made[domain].keys()
            if "label" in fields:
                np.testing.assert_array_equal(made[domain]["label"], fields["label"])


@pytest.mark.parametrize(
    ("pair", "judged"), [("fonts-photographs", "logits"), ("mnist-mnist_m", "features")]
)
def test_a_pair_says_what_discriminators_read(problem, config, pair, judged):
    of_pair = Config(**{**vars(config), "pair": pair})
    for name in ("adda", "translation"):
        recipe = METHODS[name].recipe(problem, options_of(of_pair), 4)
        assert recipe.net.judged == recipe.settings["judged"] == judged
    assert METHODS["dann"].recipe(problem, options_of(of_pair), 4).net.judged == "features"


def test_source_only_training_is_not_touched_by_the_target(problem, config):
    """The target enters source-only results through the mean of its images alone."""
    program = build(problem, options_of(config), conduct_of(config), "source")
    net = program.recipe.net
    variables = initial_variables(net, problem, seed=0)
    means = variables["batch_stats"]["trunk"]["conv1"]["norm"]["mean"]
    assert means.shape == (2, 4)
    feed = problem.feed(("source",), ("source",), batch=8, seed=0)
    state = TrainState.create(variables, program.optimizer, rng=jax.random.key(0))
    state, _ = program.step(state, feed.constants, feed.inputs(0))
    after = state.stats["batch_stats"]["trunk"]["conv1"]["norm"]["mean"]
    np.testing.assert_array_equal(after[1], np.zeros(4))
    assert np.abs(after[0]).max() > 0


def test_games_are_tried_with_the_average_of_their_parameters_too(problem, config):
    short = {**vars(config), "methods": ("source", "dann"), "seeds": (0,), "steps": 20}
    cells = run_cells(Config(**short), problem)
    assert "averaged" not in cells["source", 0].result
    cell = cells["dann", 0]
    program, state = cell.trained
    calm = state.replace(params=averaged_params(state))
    guesses = np.argmax(program.target_logits(calm, problem.test.images), axis=-1)
    expected = np.mean(guesses == problem.test.labels)
    assert cell.result["averaged"]["target_accuracy"] == pytest.approx(expected)
    assert cell.result["average"] == AVERAGE
    assert not np.allclose(
        program.target_logits(calm, problem.test.images),
        program.target_logits(state, problem.test.images),
    )


def test_adda_starts_from_the_source_only_run_and_leaves_its_encoder(problem, config):
    short = {**vars(config), "methods": ("adda",), "seeds": (0,), "steps": 4}
    short |= {"evaluate_every": 0, "checkpoint_every": 0}
    cells = run_cells(Config(**short), problem)
    _, source = cells["source", 0].trained
    program, adapted = cells["adda", 0].trained
    assert program.recipe.net.judged == "logits"
    assert adapted.params["domain_head"]["fc1"]["kernel"].shape[0] == len(problem.source.classes)
    jax.tree.map(np.testing.assert_array_equal, source.params["trunk"], adapted.params["trunk"])
    moved = jax.tree.map(
        lambda a, b: float(np.abs(a - b).max()),
        adapted.params["trunk"],
        adapted.params["target_trunk"],
    )
    assert max(jax.tree.leaves(moved)) > 0


def test_a_domain_smaller_than_the_batch_is_refused(problem, config):
    with pytest.raises(ValueError, match="a batch of 64 cannot be drawn from 48 examples"):
        run_cells(Config(**{**vars(config), "batch": 64}), problem)


def assert_close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), one, other)


@pytest.mark.slow
def test_seeds_together_are_the_seeds_one_by_one(problem, config, capsys):
    """Also with one of them finished before, and ADDA, which starts from the source-only runs."""
    short = {**vars(config), "methods": ("source", "adda"), "seeds": (0, 1, 2), "steps": 6}
    short |= {"evaluate_every": 0, "checkpoint_every": 0}
    alone = run_cells(Config(**short), problem)
    short |= {"out": config.out / "together"}
    finished = run_cells(Config(**{**short, "methods": ("source",), "seeds": (1,)}), problem)
    short["together"] = True
    together = run_cells(Config(**short), problem)
    assert together.keys() == alone.keys()
    for (method, seed), cell in together.items():
        assert_close(cell.trained[1].params, alone[method, seed].trained[1].params)
        assert_close(cell.records[-1], alone[method, seed].records[-1])
        assert cell.result["seed"] == seed
        assert cell.result["checkpoints"]["oracle"]["step"] == 6
    assert together["source", 1].result == finished["source", 1].result
    assert [together["source", seed].result.get("together") for seed in (0, 1, 2)] == [2, None, 2]
    assert [together["adda", seed].result.get("together") for seed in (0, 1, 2)] == [3, 3, 3]
    assert "2 runs in one program; 6 steps" in capsys.readouterr().out

    again = run_cells(Config(**short), problem)
    assert "in one program" not in capsys.readouterr().out
    assert {key: cell.result for key, cell in again.items()} == {
        key: cell.result for key, cell in together.items()
    }


def test_seeds_together_go_on_bit_by_bit_after_an_interruption(
    problem, config, monkeypatch, capsys
):
    short = {**vars(config), "methods": ("source",), "steps": 8}
    short |= {"evaluate_every": 4, "checkpoint_every": 0, "together": True}
    whole = run_cells(Config(**short), problem)

    inputs = RunsFeed.inputs

    def interrupted(feed, step):
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return inputs(feed, step)

    short |= {"out": config.out / "interrupted"}
    with monkeypatch.context() as patch:
        patch.setattr(RunsFeed, "inputs", interrupted)
        with pytest.raises(Interrupted):
            run_cells(Config(**short), problem)
    capsys.readouterr()
    resumed = run_cells(Config(**short), problem)
    assert "2 runs in one program; going on from step 6" in capsys.readouterr().out
    for key, cell in whole.items():
        jax.tree.map(
            np.testing.assert_array_equal,
            resumed[key].trained[1].params,
            cell.trained[1].params,
        )
        assert [each["step"] for each in resumed[key].records] == [4, 8, 8]
        assert resumed[key].result["target_accuracy"] == cell.result["target_accuracy"]
        assert resumed[key].result["together"] == 2
        assert "together_seconds" not in resumed[key].result


def test_what_starts_from_the_source_only_run_is_keyed_by_how_that_was_trained(problem, config):
    short = {**vars(config), "methods": ("adda",), "seeds": (0,), "steps": 2}
    short |= {"evaluate_every": 0, "checkpoint_every": 0}
    cells = run_cells(Config(**short), problem)
    assert cells["adda", 0].result["source_settings"]["rate"] == 0.01
    assert set(cells["adda", 0].result["data"]) == {"source", "target", "test", "held_out"}
    shutil.rmtree(config.out / "fonts-photographs-normed-source-2-seed0")
    with pytest.raises(RunFolderError, match=r"source_settings: \{'rate': 0\.01.* asked for"):
        run_cells(Config(**{**short, "rate": 0.02}), problem)


def test_a_finished_run_whose_last_checkpoint_is_damaged_is_trained_to_its_end_again(
    problem, config, capsys
):
    short = {**vars(config), "methods": ("source",), "seeds": (0,), "steps": 4}
    short |= {"evaluate_every": 0, "checkpoint_every": 0}
    before = run_cells(Config(**short), problem)["source", 0]
    shutil.rmtree(config.out / "fonts-photographs-normed-source-4-seed0" / "steps")
    after = run_cells(Config(**short), problem)["source", 0]
    assert after.result == before.result
    _, state = after.trained
    assert int(state.step) == 4
    jax.tree.map(np.testing.assert_array_equal, state.params, before.trained[1].params)
    run_cells(Config(**short), problem)
    assert "finished before" in capsys.readouterr().out
