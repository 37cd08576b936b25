"""A trunk of two stages that stands for a published one, and a folder of coloured squares."""

from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.torch_layout import TorchNames
from jtransfer.recipes.own_folder import fit as fit_module
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.own_folder.model import KeptFeatures, Model
from jtransfer.transfer.features.probe import LinearProbe

COLOURS = {"blue": (30, 60, 200), "green": (40, 190, 60), "red": (210, 40, 30)}
NAME = "toy"
TOY = Preprocessing(8, 1.0, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def stage(features: int):
    def build(name: str) -> nn.Module:
        return ConvStage(features, 3, padding="SAME", name=name)

    return build


_SMALL, _LARGE = stage(4), stage(6)


def toy_net(**_) -> Trunk:
    return Trunk((("small", _SMALL), ("large", _LARGE)))


@pytest.fixture
def toy_trunk(monkeypatch) -> FrozenTrunk:
    """A trunk with random weights that is called as if it had been published."""
    published = PublishedWeights(
        build=toy_net,
        names=TorchNames(
            modules={"a": ("small", "conv"), "b": ("large", "conv")},
        ),
        preprocessing=TOY,
        origins=(),
        publisher="the tests",
        licence="none",
        parameters=0,
        gflop=0.1,
        head=None,
    )
    monkeypatch.setitem(PRETRAINED, NAME, published)
    net = toy_net()
    variables = net.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    trunk = FrozenTrunk(NAME, net, jax.device_get(variables), TOY, "0" * 64)
    monkeypatch.setattr(fit_module, "load_trunk", lambda name: trunk)
    monkeypatch.setattr(fit_module, "at_hand", lambda: (NAME,))
    return trunk


def square(rng: np.random.Generator, colour: tuple[int, int, int]) -> np.ndarray:
    """An image of about a colour, 12 x 10 pixels."""
    return np.clip(np.array(colour) + rng.normal(0, 25, (12, 10, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder of 6 images of each of three classes."""
    rng, folder = np.random.default_rng(0), tmp_path / "squares"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(square(rng, colour)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def model(toy_trunk) -> Model:
    rng = np.random.default_rng(0)
    weights = jnp.asarray(rng.normal(size=(4, 2)), jnp.float32)
    return Model(
        classes=("Füchse", "wolf"),
        trunk=toy_trunk.until("small"),
        layer="small",
        unit_length=True,
        probe=LinearProbe(weights, jnp.array([0.5, -0.5]), jnp.zeros(())),
        temperature=0.5,
        threshold=0.75,
        about={"estimate": {"accuracy": 0.9}},
        kept=KeptFeatures(("a.jpg",), np.ones((1, 4), np.float16)),
    )
