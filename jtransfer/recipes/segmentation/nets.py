"""Nets with published weights, as fully convolutional nets are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.fcn import FCN
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.nets.weights.pretrained_net import pretrained

TRUNK = "trunk"


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
        fresh: dict[str, Any] = dict(jax.jit(net.init)(jax.random.key(seed), blank))
        if scratch:
            return fresh
        published = {name: {TRUNK: tree} for name, tree in self.variables.items()}
        return {name: {**tree, **published.get(name, {})} for name, tree in fresh.items()}


# Names of the stages of strides 32, 16 and 8.
SCORED: dict[str, tuple[str, str, str]] = {
    "efficientnet_lite0": ("block7", "block5", "block3"),
}


def base(name: str, *, weights: Path | None = None) -> Base:
    """A net of `SCORED` with its published weights.

    Raises:
      ValueError: if there is none of that name.
      WeightsError: if the weights cannot be had or do not fit.
    """
    if name not in SCORED:
        raise ValueError(f"no net {name!r} to score; expected one of {', '.join(SCORED)}")
    scored = SCORED[name]
    there = pretrained(name, until=scored[0], path=weights)
    moving = published_weights(name).build(frozen_statistics=False)
    return Base(
        there.trunk, moving, there.variables, there.preprocessing, scored, name, there.sha256
    )
