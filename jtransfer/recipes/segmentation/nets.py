"""Nets with published weights, as fully convolutional nets are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.fcn import FCN, unpooled
from jtransfer.nets.initial import initial
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.nets.weights.pretrained_net import pretrained

TRUNK = "trunk"
_STRIDES = (32, 16, 8)


@dataclass(frozen=True, eq=False)
class Base:
    """A trunk to make fully convolutional nets of.

    Attributes:
      trunk: with the stages up to the coarsest one that is scored, of statistics that stay.
      moving: the same with statistics that move, to be trained from scratch.
      variables: published ones of the trunk.
      preprocessing: how it wants its images.
      scored: names of the stages of strides 32, 16 and 8.
      name: of the net, for messages and results.
      sha256: of the file of the weights.
    """

    trunk: Trunk
    moving: Trunk
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    scored: tuple[str, str, str]
    name: str
    sha256: str = ""

    def net(self, classes: int, stages: int, *, scratch: bool = False) -> FCN:
        """The net that scores the coarsest stages: 1 for FCN-32s, 2 for 16s, 3 for 8s."""
        return FCN(self.moving if scratch else self.trunk, classes, self.scored[:stages])

    def start(self, net: FCN, size: tuple[int, int], seed: int, *, scratch: bool) -> dict[str, Any]:
        """Variables to start from: the published trunk, or all newly drawn.

        Args:
          net: of this base.
          size: of an image in pixels; nothing depends on it but that the net can be run.
          seed: of what is drawn.
          scratch: whether the trunk is drawn too.
        """
        blank = jnp.zeros((1, *size, 3))
        fresh = initial(net, jax.random.key(seed), blank)
        if scratch:
            return fresh
        published = {name: {TRUNK: tree} for name, tree in self.variables.items()}
        return {name: {**tree, **published.get(name, {})} for name, tree in fresh.items()}


def base(name: str, *, weights: Path | None = None) -> Base:
    """A net of `trunks` with its published weights.

    Raises:
      ValueError: if it has no maps of strides 32, 16 and 8.
      WeightsError: if there is none of that name, or the weights cannot be had or do not fit.
    """
    published = published_weights(name)
    scored = scored_stages(unpooled(published.build()), name)
    there = pretrained(name, until=scored[0], path=weights)
    options = {"frozen_statistics": False} if "batch_stats" in there.variables else {}
    trunk, moving = unpooled(there.trunk), unpooled(published.build(**options))
    return Base(trunk, moving, there.variables, there.preprocessing, scored, name, there.sha256)


def scored_stages(trunk: Trunk, name: str) -> tuple[str, str, str]:
    """The last stages of a trunk whose maps have strides of 32, 16 and 8 pixels.

    Args:
      trunk: with these among its stages, such as those of ResNet or ConvNeXt.
      name: of it, for the message.

    Raises:
      ValueError: if it has no maps of one of these strides, as a transformer has not.
    """
    side = 32 * 7  # of nets with a fully connected head no other
    images = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    tapping = partial(trunk.init_with_output, taps=trunk.stage_names)
    (_, maps), _ = jax.eval_shape(tapping, jax.random.key(0), images)
    in_order = [(stage, maps[stage]) for stage in trunk.stage_names]  # a tree's are sorted
    last = {side / each.shape[1]: stage for stage, each in in_order if each.ndim == 4}
    missing = [stride for stride in _STRIDES if stride not in last]
    if missing:
        has = ", ".join(f"{stride:g}" for stride in sorted(last)) or "none"
        raise ValueError(
            f"{name} has no maps of a stride of {missing[0]} pixels (strides: {has}); expected 32, "
            "16 and 8. Take a net of such maps: an EfficientNet-Lite, a ResNet or a ConvNeXt"
        )
    coarse, middle, fine = (last[stride] for stride in _STRIDES)
    return coarse, middle, fine
