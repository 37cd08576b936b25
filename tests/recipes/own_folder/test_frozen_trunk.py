import pytest

from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk, trunk_net


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("efficientnet_lite0", "block7"),  # before the convolution to 1280 channels
        ("convnext_tiny", "stage4"),  # before the norm
        ("resnet18", "pool"),  # which only averages
        ("vit_tiny_patch16", "norm"),  # which has tokens
    ],
)
def test_the_last_maps_of_a_net(name, layer):
    net = trunk_net(name)
    trunk = FrozenTrunk(name, net, {}, published_weights(name).preprocessing, "0" * 64)
    assert trunk.last_maps == layer
