"""What is frozen by the step's `trainable` behaves as at test time, whatever net it is part of."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.frozen import is_frozen
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from tests import draws
from tests.draws import normal


class Stage(nn.Module):
    """Flax's own norm and dropout, told by the words of Flax."""

    @nn.compact
    def __call__(self, values, *, training):
        values = nn.Dense(4)(values)
        values = nn.BatchNorm(momentum=0.5)(values, use_running_average=not training)
        return nn.Dropout(0.5)(values, deterministic=not training)


class Deaf(nn.Module):
    """A norm that listens to no word that a step knows."""

    @nn.compact
    def __call__(self, values, *, training):
        mean = self.variable("batch_stats", "mean", jnp.zeros, values.shape[1:])
        scale = self.param("scale", nn.initializers.ones, values.shape[1:])
        if training and not self.is_initializing():
            mean.value = values.mean(axis=0)
        return (values - mean.value[None]) * scale[None]


class Net(nn.Module):
    def weight(self):
        """What a loss may ask of a net that is not bound to variables."""
        return 1.0

    @nn.compact
    def __call__(self, values, *, training=False):
        for name in ("first", "second"):
            values = Stage(name=name)(values, training=training)
        return Deaf(name="deaf")(values, training=training)


NET = Net()
VALUES = normal(0, (8, 3))


def stepped(frozen, **options):
    """Variables before and after a step, and the loss."""
    variables = draws.variables(NET, VALUES)
    trainable = {
        name: jax.tree.map(lambda _, name=name: name not in frozen, tree)
        for name, tree in variables["params"].items()
    }

    def loss(params, stats, batch, rng, progress):
        del progress
        outputs, moved = NET.apply(
            {"params": params, **stats},
            batch,
            training=True,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        told = jnp.asarray([is_frozen((name,)) for name in sorted(params)], jnp.float32)
        return NET.weight() * (outputs**2).mean(), (moved, {"frozen": (told, jnp.ones(()))})

    optimizer = optax.sgd(0.1)
    step = make_step(loss, optimizer, total_steps=1, trainable=trainable, **options)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(2))
    state, metrics = jax.jit(step)(state, VALUES)
    return variables, {"params": state.params, **state.stats}, metrics


def same(before, after, part):
    return all(
        jax.tree.leaves(
            jax.tree.map(
                lambda old, new: bool((old == new).all()),
                before["batch_stats"][part],
                after["batch_stats"][part],
            )
        )
    )


@pytest.mark.parametrize("options", [{}, {"accumulate": 4}])
def test_statistics_of_frozen_parts_stay_to_the_bit_and_the_others_move(options):
    before, after, metrics = stepped(("first", "deaf"), **options)
    held = {part: same(before, after, part) for part in before["batch_stats"]}
    assert held == {"first": True, "second": False, "deaf": True}
    share = metrics["frozen"][0] / metrics["frozen"][1]
    np.testing.assert_array_equal(share, [1, 1, 0])


def test_frozen_norm_and_dropout_are_those_of_test_time():
    """With both stages frozen, and the last norm's statistics 0, the loss is that at test time."""
    before, after, metrics = stepped(("first", "second"))
    assert same(before, after, "first")
    assert same(before, after, "second")
    tested, _ = NET.apply(before, VALUES, mutable=["intermediates"])
    mean = tested.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(metrics["loss"][0], ((tested - mean) ** 2).mean(), rtol=1e-5)


def test_with_nothing_frozen_everything_is_in_training():
    before, after, metrics = stepped(())
    assert not any(same(before, after, part) for part in before["batch_stats"])
    np.testing.assert_array_equal(metrics["frozen"][0], 0)


def test_outside_of_a_step_nothing_is_frozen():
    stepped(("first", "deaf"))
    assert not is_frozen(("first",))
