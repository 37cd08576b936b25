"""All published weights that are known here, by name."""

from jtransfer.nets.weights.published.alexnet import ALEXNETS
from jtransfer.nets.weights.published.efficientnet_lite import EFFICIENTNET_LITES
from jtransfer.nets.weights.published.entry import PublishedWeights

PRETRAINED: dict[str, PublishedWeights] = {**EFFICIENTNET_LITES, **ALEXNETS}
