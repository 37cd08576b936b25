"""All published weights that are known here, by name."""

from jtransfer.nets.weights.catalogue.alexnet import ALEXNETS
from jtransfer.nets.weights.catalogue.clip import CLIPS
from jtransfer.nets.weights.catalogue.convnext import CONVNEXTS
from jtransfer.nets.weights.catalogue.efficientnet_lite import EFFICIENTNET_LITES
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.resnet import RESNETS
from jtransfer.nets.weights.catalogue.vit import VITS

PRETRAINED: dict[str, PublishedWeights] = {
    **EFFICIENTNET_LITES,
    **RESNETS,
    **CONVNEXTS,
    **VITS,
    **CLIPS,
    **ALEXNETS,
}
