"""A net and batches small enough to compile in a second."""

import jax
import jax.numpy as jnp

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from tests import draws
from tests.draws import integers, normal


def net(*, norm=False):
    """One convolution, a label head of three classes and a domain head."""
    stages = (("conv1", lambda name: ConvStage(4, 3, pool=(2, 2), norm=norm, name=name)),)
    return AdaptationNet(Trunk(stages), Head((8,), 3), Head((8,), 1))


def batch(count=4):
    """As many source and target images of 6x6x2, the target brighter."""
    return {
        "source": {
            "image": normal(0, (count, 6, 6, 2)),
            "label": integers(1, (count,), 3),
        },
        "target": {"image": 1.0 + normal(2, (count, 6, 6, 2))},
    }


def variables(net):
    """Parameters and statistics, split."""
    made = draws.variables(net, jnp.zeros((2, 6, 6, 2)))
    return made["params"], {name: tree for name, tree in made.items() if name != "params"}


def gradient(loss, params, stats, batch, progress=0.1):
    """Gradient of a loss with respect to the parameters."""

    @jax.jit
    def of(params, stats, batch, progress):
        return jax.grad(lambda p: loss(p, stats, batch, jax.random.key(2), progress)[0])(params)

    return of(params, stats, batch, jnp.float32(progress))
