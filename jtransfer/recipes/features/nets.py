"""Pretrained nets whose layers are used, by name: how to build one, and what it was trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from jtransfer.data.feeds.crops import Crop
from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.recipes.preprocessing import crop_of

_MOST_LAYERS = 8  # beyond which every third is probed


@dataclass(frozen=True)
class DeepNet:
    """A net whose layers are used: how to build it, and whose weights it takes."""

    build: Callable[[], Trunk]
    weights: str  # name in PRETRAINED

    @property
    def published(self) -> PublishedWeights:
        """What its publisher says of the weights, such as how images are prepared."""
        return PRETRAINED[self.weights]

    @property
    def feature_layer(self) -> str:
        """The stage whose outputs are the net's features: the last before its head."""
        return self.build().stage_names[-2]

    @property
    def probed_layers(self) -> tuple[str, ...]:
        """The stages behind the first and before the head; of many every third, from the last."""
        layers = self.build().stage_names[1:-1]
        return layers if len(layers) <= _MOST_LAYERS else layers[::-3][::-1]


NETS: dict[str, DeepNet] = {
    **{name: DeepNet(entry.build, name) for name, entry in PRETRAINED.items()},
    # conv1, conv2 and conv5 before their max pool
    "alexnet_2014_unpooled": DeepNet(partial(alexnet_2014, pooled=False), "alexnet_2014"),
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
