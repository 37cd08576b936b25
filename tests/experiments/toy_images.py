"""Folders of tiny images whose class is their colour, and a tiny net that sees colours."""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import Pretrained
from jtransfer.recipes.features import deep_features, nets
from jtransfer.recipes.features.nets import DeepNet

COLOURS = {"blue": (30, 40, 200), "green": (40, 190, 60), "red": (210, 50, 30)}
SIZE = 8


def write_images(folder, each=4):
    """`each` images a class, of the class's colour with some noise."""
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            noise = random.integers(-25, 25, (SIZE + 32, SIZE + 40, 3))
            pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def tiny_net():
    return Trunk(
        (
            ("conv1", partial(ConvStage, 8, 3, pool=(2, 2))),
            ("conv2", partial(ConvStage, 6, 3)),
            ("conv3", partial(ConvStage, 5, 1)),
        )
    )


def replace_nets(monkeypatch):
    """Put the tiny net, with random weights, in the place of AlexNet; what is loaded is noted."""
    loaded = []
    blank = jnp.zeros((1, SIZE, SIZE, 3))
    variables = tiny_net().init(jax.random.key(0), blank)
    about = PRETRAINED["alexnet_2014"].preprocessing

    def load_pretrained(name, template, *, path=None):
        loaded.append((name, sorted(template["params"]), path))
        part = {stage: variables["params"][stage] for stage in template["params"]}
        return Pretrained({"params": part}, "ab12", name)

    scaled = Preprocessing(SIZE, SIZE / (SIZE + 32), "bilinear", about.mean, about.std)
    published = SimpleNamespace(preprocessing=scaled)
    monkeypatch.setattr(nets, "NETS", {"alexnet_2014": DeepNet(tiny_net, "tiny")})
    monkeypatch.setattr(nets, "PRETRAINED", {"tiny": published})
    monkeypatch.setattr(deep_features, "load_pretrained", load_pretrained)
    return SimpleNamespace(loaded=loaded, variables=variables, about=about)
