import json
import re
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import optax
import pytest

from jtransfer.recipes.own_folder import (
    fine_tuning as fine_tuning_module,
    fit as fit_module,
    whole_net as whole_net_module,
)
from jtransfer.recipes.own_folder.estimate import estimate
from jtransfer.recipes.own_folder.estimate_by_halves import estimate_of_halves
from jtransfer.recipes.own_folder.export import export
from jtransfer.recipes.own_folder.fine_tuning import wanted
from jtransfer.recipes.own_folder.fit import fit
from jtransfer.recipes.own_folder.intake import learned_and_test
from jtransfer.recipes.own_folder.model_folder import load_model
from jtransfer.recipes.own_folder.whole_net import Budget, fine_tune_model
from tests.recipes.own_folder.conftest import COLOURS, square


@pytest.fixture
def fitted(toy_trunk, squares, tmp_path):
    def call(**settings):
        settings = {"out": tmp_path / "model", "workers": 0, "steps": 2} | settings
        return fit(squares, cache_folder=tmp_path / "cache", **settings)

    return call


def held_out(model):
    return model.about["choice"]["fine_tuning"]["held_out"]


def test_a_fine_tuned_model_is_a_model_like_any_other(
    fitted, toy_trunk, squares, tmp_path, monkeypatch
):
    monkeypatch.setattr(whole_net_module, "learning_rates_of", lambda _: (0.0, 0.01, 0.0))
    model = fitted(fine_tune="yes", keep_features=True, steps=4)
    about = model.about["choice"]["fine_tuning"]
    assert (about["done"], about["steps"], about["batch"]) == (True, 4, 14)
    assert about["why"].startswith(
        "Fine-tuning was tried, as asked. Of 4 steps from the probe on, 4"
    )
    assert about["why"].endswith("So the fine-tuned net is kept.")
    loss = about["training_loss"]
    assert loss["last"] < loss["first"] <= loss["highest"]
    moved = jax.tree.map(
        lambda one, other: float(abs(one - other).max()),
        dict(model.trunk.variables["params"]),
        dict(toy_trunk.until(model.layer).variables["params"]),
    )
    assert min(jax.tree.leaves(moved)) > 0
    # Judged on the fold that was held out.
    assert sum(each["images"] for each in model.about["estimate"]["classes"].values()) == 18 - 14
    assert model.about["data"]["images"] == dict.fromkeys(COLOURS, 6)
    assert "on half of them and judged on the other half" in model.about["estimate"]["how"]

    loaded = load_model(tmp_path / "model")
    assert loaded.trunk.sha256 == model.trunk.sha256 != toy_trunk.sha256
    rng = np.random.default_rng(5)
    images = np.stack([square(rng, colour) for colour in COLOURS.values() for _ in range(3)])
    found = loaded.predict(images)
    assert found.names == [name for name in COLOURS for _ in range(3)]
    np.testing.assert_allclose(found.probabilities, model.predict(images).probabilities, atol=1e-6)
    assert loaded.about == json.loads(json.dumps(dict(model.about)))
    said = loaded.predict([squares / "red" / "3.png"])
    assert loaded.explain(said)[0][0][0].startswith("red/")
    for form in ("stablehlo", "safetensors", "timm"):
        export(loaded, form, tmp_path / form)
    assert "fine-tuned" in (tmp_path / "model" / "report.html").read_text()
    assert not any((tmp_path / "cache" / "fine-tuning").glob("*"))


def test_the_first_step_leaves_from_the_probe(fitted, toy_trunk, squares, monkeypatch):
    """At a rate of 0 the model is the probe's, its temperature within the weights."""
    monkeypatch.setattr(whole_net_module, "learning_rates_of", lambda _: (0.0, 0.0, 0.0))
    probe, still = (fitted(fine_tune=each, out=None) for each in ("no", "yes"))
    paths = sorted(squares.glob("*/*.png"))
    one, other = (np.log(each.predict(paths).probabilities) for each in (probe, still))
    ratio = still.temperature
    # The same scores up to the temperature: each row but for what it sums to.
    scores = (one - one.mean(axis=1, keepdims=True)) * probe.temperature
    tuned = (other - other.mean(axis=1, keepdims=True)) * ratio * probe.temperature
    np.testing.assert_allclose(scores, tuned, atol=1e-3 * abs(scores).max())
    about = still.about["choice"]["fine_tuning"]
    assert about["why"].endswith(
        "So the fine-tuned net is kept."
    )  # the one is as good as the other
    assert held_out(still)["probe"]["accuracy"] == held_out(still)["fine_tuned"]["accuracy"]


def test_a_step_is_no_longer_than_its_gradient_may_be(model, squares, tmp_path):
    """The first step of Nesterov's momentum of .9 is 1.9 times as long as the gradient."""
    files, _ = learned_and_test(squares)
    budget = Budget(1, 12, learning_rate=0.1, gradient_norm=1e-2)
    moved, _ = fine_tune_model(
        replace(model, temperature=1.0),
        files.take(np.flatnonzero(files.labels < len(model.classes))),
        budget,
        folder=tmp_path / "run",
        seed=0,
        workers=0,
        what="a step",
    )
    pairs = [
        (moved.trunk.variables["params"], model.trunk.until(model.layer).variables["params"]),
        (moved.probe.weights, model.probe.weights),
        (moved.probe.bias, model.probe.bias),
    ]
    change = jax.tree.map(lambda one, other: one - other, *map(list, zip(*pairs, strict=True)))
    assert float(optax.tree.norm(change)) == pytest.approx(1.9 * 0.1 * 1e-2, rel=1e-3)


def test_auto_says_why_it_does_not(fitted):
    model = fitted(out=None)
    about = model.about["choice"]["fine_tuning"]
    assert about["done"] is False
    assert "the smallest class has 6 images, and it takes 20" in about["why"]
    assert (
        "was not asked for"
        in fitted(out=None, fine_tune="no").about["choice"]["fine_tuning"]["why"]
    )


def test_auto_goes_by_images_error_and_device(fitted, monkeypatch):
    kept = {}
    monkeypatch.setattr(
        fit_module, "estimate", lambda *given: kept.setdefault("judged", estimate(*given))
    )
    fitted(out=None)
    judged = kept["judged"]
    many = np.repeat([0, 1], 50)
    bad = replace(judged, accuracy=judged.accuracy._replace(value=0.8))
    assert "an error of 0.0% leaves little to gain" in wanted("auto", many, judged)[1]
    assert "on a CPU it takes far longer" in wanted("auto", many, bad)[1]
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    does, why = wanted("auto", many, bad)
    assert does
    assert "errs on 20.0%, every class has 50" in why
    assert wanted("auto", np.repeat([0, 1], [50, 19]), bad)[0] is False


def test_where_it_gains_nothing_auto_keeps_the_probe(fitted, monkeypatch):
    monkeypatch.setattr(fit_module, "wanted", lambda *_: (True, "Why not."))
    probe, model = fitted(out=None, fine_tune="no"), fitted(out=None)
    about = model.about["choice"]["fine_tuning"]
    assert about["done"] is False
    assert about["why"].startswith("Why not. Of 2 steps")
    assert about["why"].endswith("So the probe stays.")
    assert model.about["estimate"] == probe.about["estimate"]
    np.testing.assert_array_equal(model.probe.weights, probe.probe.weights)


def test_what_was_asked_for_is_not_kept_where_it_is_worse(fitted, monkeypatch):
    """With scores that name other classes the fine-tuned net loses to the probe."""
    real = fine_tuning_module._scores

    def worse(*given):
        scores, features = real(*given)
        return -scores, features

    monkeypatch.setattr(fine_tuning_module, "_scores", worse)
    probe, model = (fitted(out=None, fine_tune=each) for each in ("no", "yes"))
    about = model.about["choice"]["fine_tuning"]
    assert about["done"] is False
    assert about["why"].startswith("Fine-tuning was tried, as asked.")
    assert about["why"].endswith("So the probe stays.")
    assert held_out(model)["fine_tuned"]["accuracy"] < held_out(model)["probe"]["accuracy"]
    assert model.about["estimate"] == probe.about["estimate"]
    np.testing.assert_array_equal(model.probe.weights, probe.probe.weights)


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ((0.4, 2.0, 6.4, 1.1), "too short to learn: .* from 0.400 to 1.100 and was falling again"),
        ((0.4, 3.0, 6.4), "got worse: .* from 0.400 to 6.400 and was not falling"),
        ((0.001, 0.0, 0.002), "nothing to learn: .* from 0.001 to 0.002"),
    ],
)
def test_it_tells_a_run_that_was_too_short_from_one_that_got_worse(losses, said):
    assert re.search(said, fine_tuning_module._of_learning(losses))


def test_a_cpu_holds_the_activations_of_four_images(monkeypatch):
    assert [whole_net_module._parts(batch) for batch in (32, 20, 14, 7, 3)] == [8, 5, 7, 7, 1]
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert whole_net_module._parts(32) == 1


def test_interrupted_it_goes_on_and_does_nothing_twice(fitted, monkeypatch):
    real, steps = whole_net_module.fit, []

    def stopped(step, state, feed, *, checkpoints, **given):
        """As the loop ends where it is asked to, which a test cannot ask for in time."""
        steps.append(int(state.step))
        if not steps[:-1]:
            real(step, state, feed, checkpoints=checkpoints, **{**given, "steps": 2})
            raise KeyboardInterrupt
        return real(step, state, feed, checkpoints=checkpoints, **given)

    monkeypatch.setattr(whole_net_module, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        fitted(fine_tune="yes", steps=3)
    model = fitted(fine_tune="yes", steps=3)
    assert steps == [0, 2, 0]
    assert fitted(fine_tune="yes", steps=3).about["estimate"] == model.about["estimate"]


def test_a_budget_is_in_steps():
    assert Budget.of("efficientnet_lite0", 350).steps == 200
    assert Budget.of("efficientnet_lite0", 6400).steps == 1000
    assert Budget.of("efficientnet_lite0", 10**6).steps == 2000
    assert Budget.of("efficientnet_lite0", 350, 7) == Budget(7, 32, 0.001)
    assert Budget.of("resnet50", 20).batch == 20


def test_halves_judge_each_other():
    """Of eight images the scores are right on all but one, the others' on all but two."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    sure = np.where(np.eye(2)[labels] == 1, 2.0, -2.0)
    scores, others = sure.copy(), sure.copy()
    scores[0] *= -1
    others[[1, 5]] *= -1
    judge = partial(estimate_of_halves, labels=labels, classes=2, precision=0.9)
    assert judge(scores, scores)[1] is False
    judged, takes = judge(scores, scores, at_par=True)
    assert takes
    assert judged.accuracy.value == 7 / 8
    assert judged.counts == (4, 4)
    assert [each.value for each in judged.of_classes] == [3 / 4, 1]
    # The even half (0, 2, 4, 6) sees the scores wrong once and the others right: the others judge
    # the odd half, where they are wrong twice; the odd half takes the scores, wrong once.
    judged, takes = judge(scores, others)
    assert takes
    assert judged.accuracy.value == 5 / 8
