"""Three tasks on one trunk, small enough to compile in a second."""

import jax
import jax.numpy as jnp

from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.transfer.multitask.loss import multitask_loss
from jtransfer.transfer.multitask.masked_criteria import masked_cross_entropy, masked_squared_error
from jtransfer.transfer.multitask.task_weights import with_task_weights
from tests import draws
from tests.draws import integers, normal

CRITERIA = {
    "shape": masked_cross_entropy,
    "colour": masked_cross_entropy,
    "angle": masked_squared_error,
}
TASKS = tuple(CRITERIA)


def net(*, frozen=(), norm=False):
    """Two convolutions and a head for each task: three classes, two classes, one number."""
    stages = (
        ("conv1", lambda name: ConvStage(4, 3, norm=norm, name=name)),
        ("conv2", lambda name: ConvStage(4, 3, name=name)),
    )
    heads = {"shape": Head((), 3), "colour": Head((5,), 2), "angle": Head((), 1)}
    return MultitaskNet(Trunk(stages, frozen), heads)


def batch(count=8):
    """Images of 6x6x2 with all labels."""
    return {
        "source": {
            "image": normal(0, (count, 6, 6, 2)),
            "shape": integers(1, (count,), 3),
            "colour": integers(2, (count,), 2),
            "angle": normal(3, (count,)),
        }
    }


def without(task, batch):
    """The batch with no label of a task."""
    labels = batch["source"][task]
    missing = jnp.nan if jnp.issubdtype(labels.dtype, jnp.floating) else -1
    return {"source": {**batch["source"], task: jnp.full_like(labels, missing)}}


def variables(net, weighting):
    """The net's variables and the weighting's."""
    made = draws.variables(net, jnp.zeros((2, 6, 6, 2)))
    return with_task_weights(made, weighting, TASKS)


def split(variables):
    """Parameters, and the other collections."""
    stats = {name: tree for name, tree in variables.items() if name != "params"}
    return variables["params"], stats


def evaluation(net, weighting, *, key=2):
    """What gives value, gradient, statistics and mean metrics of a loss, compiled."""
    loss = multitask_loss(net, CRITERIA, weighting=weighting)

    @jax.jit
    def call(variables, batch):
        params, stats = split(variables)
        (value, (new_stats, metrics)), gradient = jax.value_and_grad(loss, has_aux=True)(
            params, stats, batch, jax.random.key(key), jnp.zeros(())
        )
        return value, gradient, new_stats, metrics

    return call


def evaluate(net, weighting, variables, batch):
    """These at one batch."""
    return evaluation(net, weighting)(variables, batch)
