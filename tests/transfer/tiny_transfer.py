"""A trunk of two stages with batch norm, a head, and labelled images that tests fine-tune on."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.transfer.finetuning.finetune import compile_phases
from jtransfer.transfer.supervised import supervised_loss

CLASSES = 3


def net(*, hidden=(), classes=CLASSES, norm=True, dropout=0.0):
    """conv1, conv2, head."""
    stages = (
        ("conv1", partial(ConvStage, 4, 3, norm=norm)),
        ("conv2", partial(ConvStage, 6, 3, pool=(2, 2), norm=norm)),
    )
    return Classifier(Trunk(stages), Head(hidden, classes, dropout=dropout))


def variables(net, seed=0):
    """Parameters and statistics, drawn from a seed; the statistics too, as a trained net's."""
    made = net.init(jax.random.key(seed), jnp.zeros((1, 8, 8, 1)))
    if "batch_stats" in made:
        shift = 0.1 * (seed + 1)
        made = {**made, "batch_stats": jax.tree.map(lambda x: x + shift, made["batch_stats"])}
    return made


def images(count=24):
    """Images and labels: each class has its bright third."""
    random = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int32) % CLASSES
    pixels = random.normal(0, 0.3, (count, 8, 8, 1)).astype(np.float32)
    for image, label in zip(pixels, labels, strict=True):
        image[2 * label : 2 * label + 3] += 1
    return pixels, labels


def feed(pixels=None, batch=8):
    """Batches of the labelled images, or of their features."""
    own, labels = images()
    fields = {"image": own if pixels is None else pixels, "label": labels}
    return ResidentFeed({"target": Domain(fields, batch)})


def programs(net, params, phases, *, rate=0.1, loss=None):
    """The phases compiled, with weight decay, so that what is frozen has something to resist."""
    return compile_phases(
        net,
        params,
        phases,
        feed().gather,
        loss=loss or partial(supervised_loss, domain="target"),
        optimizer=lambda steps: optax.chain(
            optax.add_decayed_weights(0.01), optax.sgd(rate, momentum=0.9)
        ),
    )
