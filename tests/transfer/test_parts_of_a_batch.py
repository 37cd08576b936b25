"""A batch in parts, in memory or on devices, is the whole batch to every loss of the library.

Its parts, every other example, are as uneven as can be: one is labelled, the other hardly.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.trunk import Head
from jtransfer.train.compilation import compile_step_by_pmap
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.mean_teacher import mean_teacher_loss, with_teacher
from jtransfer.transfer.finetuning.l2_sp import l2_sp, with_start
from jtransfer.transfer.multitask.gradient_surgery import PCGrad
from jtransfer.transfer.multitask.learned_task_weights import GradNorm, UncertaintyWeights
from jtransfer.transfer.multitask.loss import multitask_loss
from jtransfer.transfer.multitask.masked_criteria import masked_cross_entropy, masked_squared_error
from jtransfer.transfer.multitask.task_weights import FixedWeights, with_task_weights
from jtransfer.transfer.supervised import sigmoid_cross_entropy, supervised_loss
from jtransfer.transfer.zero_shot.attribute_groups import group_cross_entropy
from tests.train import games

COUNT = 8
CRITERIA = {
    "kind": masked_cross_entropy,
    "odd": masked_cross_entropy,
    "size": masked_squared_error,
}
WEIGHTINGS = {
    "fixed": FixedWeights({"kind": 1.0, "odd": 0.5, "size": 0.3}),
    "uncertainty": UncertaintyWeights(),
    "gradnorm": GradNorm(learning_rate=0.1),
    "pcgrad": PCGrad(),
}
NAMES = (
    "supervised",
    "several labels",
    "nothing judged",
    "groups",
    "l2-sp",
    "dann",
    "weighted dann",
    "adda",
    "translation",
    "mean teacher",
    "zero-shot",
    *WEIGHTINGS,
)


def several_labels(judged):
    """Labels [8, 3] of which the first example's is judged, and those of the `judged` ones."""
    labels = np.array([[1, -1, -1], [-1, 1, 1]] * 4)
    labels[~np.isin(np.arange(COUNT), judged)] = 0
    return jnp.asarray(labels)


def batch_of(name):
    """Labels of each kind of loss, most of them in the first of two parts."""
    constants = games.Feed().constants
    batch = jax.tree.map(lambda values: values[:COUNT], constants)
    source = batch["source"]
    if name in ("several labels", "l2-sp"):
        source["label"] = several_labels([0, 2, 4, 6]).at[1, 0].set(-1)
    if name == "nothing judged":
        source["label"] = several_labels([0])
    if name == "groups":
        source["label"] = jnp.stack([source["odd"], source["label"] % 2], axis=1)
    if name == "translation":
        for domain in ("source", "target"):
            batch[domain]["image"] = batch[domain]["image"].mean(axis=(1, 2))
        source["label"] = source["odd"]
    if name in WEIGHTINGS:
        # The second part has one label of one task, and the last task has labels there alone.
        there = np.arange(COUNT) % 2 == 0
        source["kind"] = jnp.where(there, source["label"], -1)
        source["odd"] = jnp.where(there, source["odd"], -1).at[3].set(1)
        source["size"] = jnp.where(there, jnp.nan, jnp.arange(COUNT) / 3.0)
    return batch


def problem(name):
    """A loss and the variables that it starts from."""
    key = jax.random.key(1)
    if name in WEIGHTINGS:
        heads = {"kind": Head((), games.CLASSES), "odd": Head((), 2), "size": Head((), 1)}
        net = MultitaskNet(games.TRUNK, heads)
        loss = multitask_loss(net, CRITERIA, weighting=WEIGHTINGS[name])
        return loss, with_task_weights(
            net.init(key, games.BLANK), WEIGHTINGS[name], tuple(CRITERIA)
        )
    classes = 4 if name == "groups" else games.CLASSES
    net = AdaptationNet(games.TRUNK, Head((8,), classes), Head((8,), 1))
    variables = net.init(key, games.BLANK)
    if name in ("several labels", "nothing judged"):
        return supervised_loss(net, criterion=sigmoid_cross_entropy), variables
    if name == "groups":
        criterion = partial(group_cross_entropy, sizes=(2, 2))
        return supervised_loss(net, criterion=criterion), variables
    if name == "l2-sp":
        held = {**variables, "params": {**variables["params"]}}
        held["params"]["head"] = held["params"]["label_head"]
        loss = supervised_loss(net, criterion=sigmoid_cross_entropy)
        return l2_sp(loss, alpha=0.5, beta=0.1), with_start(held)
    if name == "mean teacher":
        taught = with_teacher(variables, classes=games.CLASSES)
        taught["teacher"]["labels"] = jnp.array([0.2, 0.3, 0.5])
        loss = mean_teacher_loss(net, augment=lambda key, images: images, threshold=0.9, decay=0.9)
        return loss, taught
    loss, variables, _ = games.method(name)
    return loss, variables


@cache
def step_of(name, accumulate=1, devices=1):
    """Parameters before and after one step of the batch in parts, its statistics and metrics."""
    loss, variables = problem(name)
    optimizer = optax.sgd(1.0)
    axis = None if devices == 1 else "data"
    step = make_step(loss, optimizer, total_steps=2, accumulate=accumulate, axis_name=axis)
    # Half of the run is over, so that every ramp is up.
    state = TrainState.create(variables, optimizer, rng=jax.random.key(2))
    state = state.replace(step=jnp.ones((), jnp.int32))
    batch = batch_of(name)
    if devices == 1:
        state, metrics = jax.jit(step)(state, batch)
    else:
        # Each device is given consecutive examples: those of a part.
        order = np.arange(COUNT).reshape(-1, devices).T.ravel()
        compiled = compile_step_by_pmap(
            step, lambda _, inputs: inputs, devices=jax.devices()[:devices]
        )
        state, metrics = compiled(state, {}, jax.tree.map(lambda values: values[order], batch))
    return jax.device_get((variables["params"], state.params, state.stats, metrics))


def assert_same_step(name, **parts):
    start, params, stats, metrics = step_of(name)
    _, of_parts, stats_of_parts, measured = step_of(name, **parts)
    moved = jax.tree.map(lambda new, old: np.abs(new - old).max(), params, start)
    assert max(jax.tree.leaves(moved)) > 1e-3
    close = partial(np.testing.assert_allclose, rtol=1e-4, atol=2e-6)
    jax.tree.map(close, of_parts, params)
    jax.tree.map(close, stats_of_parts, stats)
    for metric, (total, count) in metrics.items():
        found, counted = measured[metric]
        if count > 1e-9:
            close(found / counted, total / count)


@pytest.mark.parametrize("name", NAMES)
def test_in_two_parts_the_step_is_that_of_the_whole_batch(name):
    assert_same_step(name, accumulate=2)


@pytest.mark.parametrize("name", ["several labels", "weighted dann", "pcgrad"])
def test_on_two_devices_by_pmap_the_step_is_that_of_the_whole_batch(name):
    assert_same_step(name, devices=2)


def test_on_two_devices_in_two_parts_each_the_step_is_that_of_the_whole_batch():
    assert_same_step("several labels", devices=2, accumulate=2)


def test_with_one_part_of_eight_judged_the_gradient_is_that_of_the_mean():
    assert_same_step("nothing judged", accumulate=8)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_teacher_moves_once_a_step(accumulate):
    """By a tenth of the way to the net, which is at 1 where the teacher is at 0."""
    loss, variables = problem("mean teacher")
    teacher = variables["teacher"]["variables"]
    teacher["params"] = jax.tree.map(jnp.zeros_like, teacher["params"])
    params = jax.tree.map(jnp.ones_like, variables["params"])
    optimizer = optax.sgd(0.0)
    step = make_step(loss, optimizer, total_steps=2, accumulate=accumulate)
    state = TrainState.create({**variables, "params": params}, optimizer, rng=jax.random.key(0))
    state, _ = jax.jit(step)(state, batch_of("mean teacher"))
    moved = state.stats["teacher"]["variables"]["params"]
    jax.tree.map(lambda leaf: np.testing.assert_allclose(leaf, 0.1, rtol=1e-6), moved)
