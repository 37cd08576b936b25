"""Published weights of AlexNet."""

from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.statistics import IMAGENET_MEAN, IMAGENET_STD
from jtransfer.nets.weights.origins.address import Address
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.torch_layout import TorchNames

_NAMES = TorchNames(
    modules={
        "features.0": ("conv1",),
        "features.3": ("conv2",),
        "features.6": ("conv3",),
        "features.8": ("conv4",),
        "features.10": ("conv5",),
        "classifier.1": ("fc6",),
        "classifier.4": ("fc7",),
        "classifier.6": ("fc8",),
    },
    flat_maps={"classifier.1": (256, 6, 6)},
)

ALEXNETS = {
    "alexnet_2014": PublishedWeights(
        build=alexnet_2014,
        names=_NAMES,
        preprocessing=Preprocessing(224, 0.875, "bilinear", IMAGENET_MEAN, IMAGENET_STD),
        origins=(
            Address(
                "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
                "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
            ),
        ),
        publisher="torchvision, AlexNet_Weights.IMAGENET1K_V1",
        licence="BSD-3-Clause",
        parameters=61_100_840,
        gflop=1.43,
        top1=0.56522,
        head="fc8",
    ),
}
