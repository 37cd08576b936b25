"""Pretrained nets whose layers are used, by name: how to build one, and what it was trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from jtransfer.data.feeds.crops import Crop
from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.efficientnet_lite import efficientnet_lite
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.recipes.preprocessing import crop_of


@dataclass(frozen=True)
class DeepNet:
    """A net whose layers are used: how to build it, and whose weights it takes."""

    build: Callable[[], Trunk]
    weights: str  # name in PRETRAINED

    @property
    def published(self) -> PublishedWeights:
        """What its publisher says of the weights, such as how images are prepared."""
        return PRETRAINED[self.weights]


NETS: dict[str, DeepNet] = {
    "alexnet_2014": DeepNet(alexnet_2014, "alexnet_2014"),
    # conv1, conv2 and conv5 before their max pool
    "alexnet_2014_unpooled": DeepNet(partial(alexnet_2014, pooled=False), "alexnet_2014"),
    "efficientnet_lite0": DeepNet(partial(efficientnet_lite, 0), "efficientnet_lite0"),
}


def deep_net(name: str) -> DeepNet:
    """A net of `NETS`.

    Raises:
      ValueError: if there is none of that name.
    """
    if name not in NETS:
        raise ValueError(f"no net {name!r}; expected one of {', '.join(NETS)}")
    return NETS[name]


def crop_for(net_name: str, *, views: Literal[1, 10] = 1) -> Crop:
    """The crop that the net's publisher judged it on.

    Args:
      net_name: a key of `NETS`.
      views: 1 for the centre, or 10 of each image.

    Raises:
      ValueError: if the net is unknown.
    """
    return crop_of(deep_net(net_name).published.preprocessing, views=views)
