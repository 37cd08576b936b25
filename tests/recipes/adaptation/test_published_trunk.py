"""Methods on a trunk with published weights, for which a tiny one stands."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data import Examples
from jtransfer.nets.domain_statistics import statistics_per_domain
from jtransfer.nets.efficientnet_lite import StemStage
from jtransfer.nets.parts.batch_norm import BatchNorm
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained_net import PretrainedNet
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import feed_of, initial_variables
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.adaptation.run_methods import run_methods
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.parameter_groups import parameter_groups

ON_TRUNK = [
    name for name, method in METHODS.items() if method.recipe is not None and name != "translation"
]


def examples(name, count):
    images = np.random.default_rng(count).integers(0, 256, (count, 8, 8, 3), np.uint8)
    return Examples(images, np.arange(count) % 3, ("one", "two", "three"), name)


@pytest.fixture(scope="module")
def problem():
    sizes = {"source": 12, "target": 9, "test": 6, "held out": 6}
    return Problem(*(examples(name, count) for name, count in sizes.items()))


@pytest.fixture(scope="module")
def published():
    """Two stages with batch norm per domain, as EfficientNet-Lite has them, and a narrow one."""

    def trunk(num_domains):
        norm = BatchNorm(epsilon=1e-3, momentum=0.9, frozen=False, num_domains=num_domains)
        stages = (("stem", partial(StemStage, norm)), ("top", partial(FullStage, 4)))
        return Trunk(stages)

    variables = trunk(None).init(jax.random.key(7), jnp.zeros((1, 8, 8, 3)))
    preprocessing = Preprocessing(8, 1.0, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return PretrainedNet(
        trunk(2),
        jax.device_get(statistics_per_domain(variables, 2)),
        preprocessing,
        "tiny",
        "0" * 64,
    )


@pytest.mark.parametrize("name", ON_TRUNK)
def test_a_step_of_every_method_keeps_the_form_of_its_state(problem, published, name):
    trunk = PublishedTrunk(published, hidden=4)
    options = Options(batch=4, trunk=trunk)
    recipe = METHODS[name].recipe(problem, options, 4)
    begun = jax.eval_shape(
        lambda: recipe.start(initial_variables(recipe.net, problem, seed=0, trunk=trunk))
    )
    groups = parameter_groups(begun["params"], trunk.rules(recipe.rules))
    optimizer = groups.optimizer(recipe.optimizer)
    step = make_step(recipe.loss, optimizer, total_steps=4, trainable=groups.trainable)
    feed = feed_of(problem, options, name, recipe, seed=0)
    state = jax.eval_shape(
        lambda variables: TrainState.create(variables, optimizer, rng=jax.random.key(0)), begun
    )
    batch = jax.eval_shape(feed.gather, feed.constants, feed.inputs(0))
    after, _ = jax.eval_shape(step, state, batch)
    form = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)]
    assert form == [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]


def test_published_weights_are_the_start_and_frozen_ones_the_end(problem, published, tmp_path):
    trunk = PublishedTrunk(published, frozen=1, hidden=4)
    options = Options(batch=4, trunk=trunk)
    conduct = Conduct(out=tmp_path, steps=2, evaluate_every=0, checkpoint_every=0)
    run = run_methods(problem, ["dann"], options=options, conduct=conduct)["dann", 0]
    assert run.result["options"]["trunk"] == trunk.said()
    _, state = run.trained
    before, after = published.variables, jax.device_get(state)
    params = after.params["trunk"]
    jax.tree.map(np.testing.assert_array_equal, params["stem"], before["params"]["stem"])
    statistics = after.stats["batch_stats"]["trunk"]["stem"]
    jax.tree.map(np.testing.assert_array_equal, statistics, before["batch_stats"]["stem"])
    moved = np.abs(params["top"]["kernel"] - before["params"]["top"]["kernel"]).max()
    assert 0 < moved < 0.05


def test_images_come_as_the_trunk_wants_them(problem, published):
    options = Options(batch=9, trunk=PublishedTrunk(published))
    recipe = METHODS["dann"].recipe(problem, options, 4)
    feed = feed_of(problem, options, "dann", recipe, seed=0)
    images = feed.gather(feed.constants, feed.inputs(0))["target"]["image"]
    np.testing.assert_allclose(
        np.sort(images.ravel()),
        np.sort((problem.target.images / 255.0 - 0.5).ravel() / 0.5),
        atol=1e-6,
    )


def test_what_cannot_be_is_said(problem, published):
    with pytest.raises(ValueError, match=r"2 frozen stages; expected .* 0 to 1 of the 2 stages"):
        PublishedTrunk(published, frozen=2)
    options = Options(trunk=PublishedTrunk(published))
    with pytest.raises(ValueError, match="image translation on tiny; expected no trunk"):
        METHODS["translation"].recipe(problem, options, 4)
