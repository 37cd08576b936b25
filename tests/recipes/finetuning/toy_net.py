"""A tiny net whose published weights are random, to be fine-tuned on tiny images."""

import jax
import jax.numpy as jnp

from jtransfer.nets.weights.pretrained import Pretrained
from jtransfer.recipes.finetuning.images import nets
from jtransfer.recipes.finetuning.images.nets import TunedNet
from tests.experiments.toy_images import tiny_net

SIDE = 16
TUNED = TunedNet(tiny_net, "alexnet_2014", "conv2", 0.05, 0.05, 0.05)


def publish(monkeypatch):
    """Give the net weights; a file of weights is its own checksum here."""
    variables = tiny_net().init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))

    def load_pretrained(name, template, *, path=None):
        part = {stage: variables["params"][stage] for stage in template["params"]}
        return Pretrained({"params": part}, "ab12" if path is None else path.read_text(), name)

    monkeypatch.setattr(nets, "load_pretrained", load_pretrained)
