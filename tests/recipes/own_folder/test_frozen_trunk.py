import jax
import numpy as np
import pytest

from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk, trunk_net


@pytest.mark.parametrize(
    ("name", "weights", "layer"),
    [
        ("efficientnet_lite0", {"top": {"conv": {"kernel": (1, 1, 320, 1280)}}}, "block7"),
        ("convnext_tiny", {"pool": {"norm": {"scale": (768,), "bias": (768,)}}}, "pool"),
        ("resnet18", {"stage4": {"conv": {"kernel": (3, 3, 512, 512)}}}, "pool"),  # only averages
        ("vit_tiny_patch16", {"norm": {"scale": (192,), "bias": (192,)}}, "norm"),  # has tokens
    ],
)
def test_the_last_maps_of_a_net(name, weights, layer):
    net = trunk_net(name)
    parameters = jax.tree.map(np.zeros, weights, is_leaf=lambda shape: isinstance(shape, tuple))
    preprocessing = published_weights(name).preprocessing
    trunk = FrozenTrunk(name, net, {"params": parameters}, preprocessing, "0" * 64)
    assert trunk.last_maps == layer
