"""Every row of the table of methods, traced: nothing is compiled or trained here."""

from functools import partial

import jax
import numpy as np
import pytest

from jtransfer.data import Examples
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.options import Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import feed_of, initial_variables
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.parameter_groups import parameter_groups

TRAINED = [name for name, method in METHODS.items() if method.recipe is not None]


def tiny_net(*, classes, norm=False, dropout=0.0):
    stage = partial(ConvStage, 4, 3, pool=(2, 2), norm=norm, dropout=dropout)
    return AdaptationNet(Trunk((("conv1", stage),)), Head((8,), classes), Head((8,), 1))


def examples(name, count):
    images = np.zeros((count, 12, 12, 3), np.uint8)
    return Examples(images, np.arange(count) % 3, ("one", "two", "three"), name)


@pytest.fixture(scope="module")
def problem():
    """Domains of two sizes."""
    sizes = {"source": 40, "target": 9, "test": 6, "held out": 6}
    return Problem(*(examples(name, count) for name, count in sizes.items()))


@pytest.mark.parametrize("name", TRAINED)
def test_a_step_of_every_method_keeps_the_form_of_its_state(problem, name):
    options = Options(net=tiny_net, batch=8)
    recipe = METHODS[name].recipe(problem, options, 4)
    begun = jax.eval_shape(lambda: recipe.start(initial_variables(recipe.net, problem, seed=0)))
    groups = parameter_groups(begun["params"], recipe.rules)
    optimizer = groups.optimizer(recipe.optimizer)
    step = make_step(
        recipe.loss,
        optimizer,
        total_steps=4,
        trainable=groups.trainable,
        augment=recipe.augment,
    )
    feed = feed_of(problem, options, name, recipe, seed=0)
    state = jax.eval_shape(
        lambda variables: TrainState.create(variables, optimizer, rng=jax.random.key(0)), begun
    )
    batch = jax.eval_shape(feed.gather, feed.constants, feed.inputs(0))
    after, metrics = jax.eval_shape(step, state, batch)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    form = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)]
    assert form == [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
    assert "loss" in metrics
