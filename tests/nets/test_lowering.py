"""The fine-tuning step of every convolution net, lowered for accelerators on this machine."""

from functools import partial

import jax
import jax.numpy as jnp
import optax
import pytest

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.convnext import Shape, convnext
from jtransfer.nets.efficientnet_lite import efficientnet_lite
from jtransfer.nets.parts.trunk import Head
from jtransfer.nets.resnet import resnet
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.supervised import supervised_loss
from tests.lowering import ACCELERATORS, formulations_of_cpu, lowered

NETS = {
    "resnet": (partial(resnet, 18), "pool"),
    "convnext": (partial(convnext, Shape((1, 2, 1, 1), (8, 16, 24, 32))), "pool"),
    "efficientnet_lite": (partial(efficientnet_lite, 0), "top"),
}


@pytest.mark.parametrize("name", NETS)
def test_on_accelerators_convolutions_and_their_gradients_are_xlas_own(name):
    build, until = NETS[name]
    whole = build()
    trunk = whole.clone(stages=whole.stages[: whole.stage_names.index(until) + 1])
    net, optimizer = Classifier(trunk, Head((), 7)), optax.sgd(1e-3, momentum=0.9)
    batch = {"source": {"image": jnp.zeros((2, 64, 64, 3)), "label": jnp.zeros(2, jnp.int32)}}

    def start(images):
        variables = net.init(jax.random.key(0), images)
        return TrainState.create(variables, optimizer, rng=jax.random.key(1))

    state = jax.eval_shape(start, batch["source"]["image"])
    # Those of single pixels are products of matrices.
    leaves = jax.tree.leaves(state.params)
    kernels = sum(leaf.ndim == 4 and leaf.shape[:2] != (1, 1) for leaf in leaves)
    step = jax.jit(make_step(supervised_loss(net), optimizer, total_steps=10))
    for platform in ACCELERATORS:  # for both at once a convolution is there once or twice
        program = lowered(step, state, batch, platforms=(platform,))
        assert formulations_of_cpu(program) == []
        # The way there, the kernels' gradients and those of all inputs but the images.
        assert program.mlir_module().count("stablehlo.convolution") == 3 * kernels - 1
