"""A dense net, a batch of two domains, and every loss of two domains with what it starts from."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Head, Trunk
from jtransfer.transfer.adaptation.afn import afn_loss
from jtransfer.transfer.adaptation.cdan import cdan_loss
from jtransfer.transfer.adaptation.dan import dan_loss
from jtransfer.transfer.adaptation.deep_coral import deep_coral_loss
from jtransfer.transfer.adaptation.deep_jdot import deep_jdot_loss
from jtransfer.transfer.adaptation.jan import jan_loss
from jtransfer.transfer.adaptation.mcc import mcc_loss
from jtransfer.transfer.adaptation.mdd import mdd_loss
from jtransfer.transfer.adaptation.self_training import self_training_loss, with_thresholds
from jtransfer.transfer.adaptation.shot import shot_loss, with_centroids
from jtransfer.transfer.adaptation.tent import tent_loss

CLASSES, COUNT, DIMS = 3, 8, 5
NET = AdaptationNet(Trunk((("fc1", partial(FullStage, DIMS)),)), Head((), CLASSES), Head((), 1))
CONDITIONED = NET.clone(judged="multilinear")
TWO_HEADS = NET.clone(domain_head=Head((), CLASSES))
LOSSES = {
    "coral": (NET, deep_coral_loss(NET)),
    "dan": (NET, dan_loss(NET)),
    "jan": (NET, jan_loss(NET)),
    "deepjdot": (NET, deep_jdot_loss(NET)),
    "afn": (NET, afn_loss(NET)),
    "mcc": (NET, mcc_loss(NET)),
    "mdd": (TWO_HEADS, mdd_loss(TWO_HEADS)),
    "cdan": (CONDITIONED, cdan_loss(CONDITIONED)),
    "cdan_e": (CONDITIONED, cdan_loss(CONDITIONED, entropy_conditioning=True)),
    "self_training": (NET, self_training_loss(NET)),
    "shot": (NET, shot_loss(NET)),
    "tent": (NET, tent_loss(NET)),
}


def variables_of(name):
    """What training with a loss starts from."""
    net, _ = LOSSES[name]
    made = net.init(jax.random.key(1), jnp.zeros((2, 4)))
    if name == "self_training":
        return with_thresholds(made, classes=CLASSES)
    return with_centroids(made, classes=CLASSES, dims=DIMS) if name == "shot" else made


def batch(*, target_label=-99, target_class=None):
    """Rows of three classes; the target's are moved, of all classes or of one, and mislabelled."""
    random = np.random.default_rng(0)
    labels = np.arange(COUNT) % CLASSES
    of_target = labels if target_class is None else np.full(COUNT, target_class)
    centres = 2 * np.eye(CLASSES, 4)
    source, target = (
        (centres[each] + 0.3 * random.normal(size=(COUNT, 4))).astype(np.float32)
        for each in (labels, of_target)
    )
    return {
        "source": {"image": jnp.asarray(source), "label": jnp.asarray(labels)},
        "target": {"image": jnp.asarray(target + 0.5), "label": jnp.full(COUNT, target_label)},
    }
