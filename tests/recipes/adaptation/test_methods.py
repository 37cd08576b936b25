"""Every row of the table of methods, lowered for accelerators: nothing is compiled or trained."""

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
from tests.lowering import argument_bytes, formulations_of_cpu, lowered

TRAINED = [name for name, method in METHODS.items() if method.recipe is not None]

# Bytes that a step of 8 images of each domain is sent: its state and the batch.
ARGUMENTS = {
    "source": 28_080,
    "dann": 41_904,
    "weighted": 41_928,
    "adda": 33_480,
    "translation": 1_472_060,
    "teacher": 56_140,
    **dict.fromkeys(("coral", "dan", "jan", "deepjdot", "afn", "mcc"), 41_904),
    "mdd": 42_048,
    "cdan": 54_704,
    "cdan_e": 54_704,
    "self_training": 41_916,
    "shot": 23_888,
    "tent": 21_040,
    "target": 28_080,
}


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


def step_of(problem, name):
    """A method's step, and the forms of its state and batch."""
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
    return step, state, batch


@pytest.mark.parametrize("name", TRAINED)
def test_accelerators_get_a_step_of_their_own_that_keeps_the_form_of_its_state(problem, name):
    step, state, batch = step_of(problem, name)
    program = lowered(step, state, batch)
    assert formulations_of_cpu(program) == []
    assert argument_bytes(program) == ARGUMENTS[name]
    after, metrics = jax.tree.unflatten(program.out_tree, program.out_avals)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    form = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)]
    assert form == [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
    assert "loss" in metrics


def test_on_cpu_the_step_is_of_its_formulations(problem):
    assert formulations_of_cpu(lowered(*step_of(problem, "dann"), platforms=("cpu",)))
