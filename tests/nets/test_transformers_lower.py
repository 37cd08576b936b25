"""Fine-tuning steps of transformers lower for accelerators, on a machine that has none."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.clip import clip
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.parts.trunk import Head
from jtransfer.nets.vit import vit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.supervised import supervised_loss
from tests.lowering import formulations_of_cpu, lowered

TINY = TransformerShape(width=16, depth=1, heads=2)
IMAGES = np.zeros((2, 16, 16, 3), np.float32)


def test_the_step_of_a_vision_transformer():
    trunk = vit(TINY, patch=8, size=32, classes=4, registers=2, layer_scale=1e-5)
    net, optimizer = Classifier(trunk, Head((), 3)), optax.adamw(1e-3)

    def begin():
        variables = net.init(jax.random.key(0), IMAGES)
        return TrainState.create(variables, optimizer, rng=jax.random.key(1))

    batch = {"source": {"image": IMAGES, "label": np.zeros(2, np.int32)}}
    step = make_step(supervised_loss(net), optimizer, total_steps=2)
    program = lowered(step, jax.eval_shape(begin), batch)
    assert "dot_general" in program.mlir_module()
    assert formulations_of_cpu(program) == []


def test_the_gradient_of_both_towers():
    net = clip(8, size=16, image=TINY, text=TINY, outputs=4, vocabulary=9, length=5)
    tokens = np.zeros((2, 5), np.int32)

    def loss(variables, images, tokens):
        logits = net.apply(variables, images, tokens)
        pairs = jnp.arange(len(images))
        return optax.softmax_cross_entropy_with_integer_labels(logits, pairs).mean()

    variables = jax.eval_shape(net.init, jax.random.key(0), IMAGES, tokens)
    program = lowered(jax.grad(loss), variables, IMAGES, tokens)
    assert "dot_general" in program.mlir_module()
    assert formulations_of_cpu(program) == []
