"""Methods on a trunk with published weights, for which a tiny one stands."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.program import feed_of, initial_variables
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.adaptation.run_methods import run_methods
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.parameter_groups import RuleError, parameter_groups

ON_TRUNK = [
    name for name, method in METHODS.items() if method.recipe is not None and name != "translation"
]


@pytest.mark.parametrize("name", ON_TRUNK)
def test_a_step_of_every_method_keeps_the_form_of_its_state(tiny_problem, published, name):
    trunk = PublishedTrunk(published, hidden=4)
    options = Options(batch=4, trunk=trunk)
    recipe = METHODS[name].recipe(tiny_problem, options, 4)
    begun = jax.eval_shape(
        lambda: recipe.start(initial_variables(recipe.net, tiny_problem, seed=0, trunk=trunk))
    )
    groups = parameter_groups(begun["params"], trunk.rules(recipe.rules))
    optimizer = groups.optimizer(recipe.optimizer)
    step = make_step(recipe.loss, optimizer, total_steps=4, trainable=groups.trainable)
    feed = feed_of(tiny_problem, options, name, recipe, seed=0)
    state = jax.eval_shape(
        lambda variables: TrainState.create(variables, optimizer, rng=jax.random.key(0)), begun
    )
    batch = jax.eval_shape(feed.gather, feed.constants, feed.inputs(0))
    after, _ = jax.eval_shape(step, state, batch)
    form = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)]
    assert form == [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]


def test_published_weights_are_the_start_and_frozen_ones_the_end(tiny_problem, published, tmp_path):
    trunk = PublishedTrunk(published, frozen=1, hidden=4)
    options = Options(batch=4, trunk=trunk)
    conduct = Conduct(out=tmp_path, steps=2, evaluate_every=0, checkpoint_every=0)
    run = run_methods(tiny_problem, ["dann"], options=options, conduct=conduct)["dann", 0]
    assert run.result["options"]["trunk"] == trunk.said()
    _, state = run.trained
    before, after = published.variables, jax.device_get(state)
    params = after.params["trunk"]
    jax.tree.map(np.testing.assert_array_equal, params["stem"], before["params"]["stem"])
    statistics = after.stats["batch_stats"]["trunk"]["stem"]
    jax.tree.map(np.testing.assert_array_equal, statistics, before["batch_stats"]["stem"])
    moved = np.abs(params["top"]["kernel"] - before["params"]["top"]["kernel"]).max()
    assert 0 < moved < 0.05


@pytest.mark.parametrize(
    ("name", "moving"),
    [
        ("dann", {"trunk/top": 0.1, "label_head": 1.0, "domain_head": 1.0}),
        ("adda", {"target_trunk/top": 0.1, "domain_head": 1.0}),
        ("shot", {"trunk/top": 0.1}),
    ],
)
def test_whoever_moves_by_the_method_the_trunk_is_slow_and_its_first_stage_stays(
    tiny_problem, published, name, moving
):
    trunk = PublishedTrunk(published, frozen=1, hidden=4)
    recipe = METHODS[name].recipe(tiny_problem, Options(batch=4, trunk=trunk), 4)
    begun = jax.eval_shape(
        lambda: recipe.start(initial_variables(recipe.net, tiny_problem, seed=0, trunk=trunk))
    )
    groups = parameter_groups(begun["params"], trunk.rules(recipe.rules))
    found = {}
    for keys, label in jax.tree_util.tree_leaves_with_path(groups.labels):
        path = jax.tree_util.keystr(keys, simple=True, separator="/").split("/")
        part = "/".join(path[: 1 + path[0].endswith("trunk")])
        if groups.scales[label]:
            found[part] = groups.scales[label]
    assert found == moving


def test_tent_moves_the_norms_of_what_is_not_frozen(tiny_problem, published):
    recipe = METHODS["tent"].recipe(tiny_problem, Options(trunk=PublishedTrunk(published)), 4)
    params = published.below()["params"]
    groups = parameter_groups(params, PublishedTrunk(published, rate=0.5).rules(recipe.rules))
    assert set(groups.scales.values()) == {0.5, 0.0}
    with pytest.raises(RuleError, match="decides nothing"):  # the stem has all norms that there are
        parameter_groups(params, PublishedTrunk(published, frozen=1).rules(recipe.rules))


def test_images_come_as_the_trunk_wants_them(tiny_problem, published):
    options = Options(batch=9, trunk=PublishedTrunk(published))
    recipe = METHODS["dann"].recipe(tiny_problem, options, 4)
    feed = feed_of(tiny_problem, options, "dann", recipe, seed=0)
    images = feed.gather(feed.constants, feed.inputs(0))["target"]["image"]
    np.testing.assert_allclose(
        np.sort(images.ravel()),
        np.sort((tiny_problem.target.images / 255.0 - 0.5).ravel() / 0.5),
        atol=1e-6,
    )


def test_what_cannot_be_is_said(tiny_problem, published):
    with pytest.raises(ValueError, match=r"2 frozen stages; expected .* 0 to 1 of the 2 stages"):
        PublishedTrunk(published, frozen=2)
    options = Options(trunk=PublishedTrunk(published))
    with pytest.raises(ValueError, match="image translation on tiny; expected no trunk"):
        METHODS["translation"].recipe(tiny_problem, options, 4)


def test_a_map_too_wide_to_be_whole_is_drawn_beside_the_published_trunk(tiny_problem, published):
    """CDAN's randomised map is new, as the heads are."""
    trunk = Trunk((("wide", partial(FullStage, 2000)),))
    variables = jax.device_get(trunk.init(jax.random.key(7), jnp.zeros((1, 8, 8, 3))))
    wide = PublishedTrunk(replace(published, trunk=trunk, variables=variables), hidden=4)
    net = METHODS["cdan"].recipe(tiny_problem, Options(batch=4, trunk=wide), 4).net
    begun = initial_variables(net, tiny_problem, seed=0, trunk=wide)
    assert begun["random"]["multilinear"]["features"].shape == (2000, 1024)
    kernel = begun["params"]["trunk"]["wide"]["kernel"]
    np.testing.assert_array_equal(kernel, variables["params"]["wide"]["kernel"])
