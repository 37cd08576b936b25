"""Nets with published weights, as they are fine-tuned."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.efficientnet_lite import efficientnet_lite
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.pretrained import load_pretrained
from jtransfer.transfer.finetuning.layers import TRUNK
from jtransfer.transfer.finetuning.regimes import Regime


@dataclass(frozen=True)
class TunedNet:
    """How a net is fine-tuned.

    Attributes:
      build: makes the whole net.
      weights: name of its published weights in `PRETRAINED`.
      until: the last stage of its trunk; those after it name ImageNet's classes.
      learning_rate: where the trunk moves, at the start.
      lp_ft_learning_rate: the same where the head is a good one from the start.
      scratch_learning_rate: the same where nothing is carried over.
    """

    build: Callable[[], Trunk]
    weights: str
    until: str
    learning_rate: float
    lp_ft_learning_rate: float
    scratch_learning_rate: float

    def trunk(self) -> Trunk:
        """The net's stages without those that name ImageNet's classes."""
        whole = self.build()
        return whole.clone(stages=whole.stages[: whole.stage_names.index(self.until) + 1])

    def normalised(self, pixels: jax.Array) -> jax.Array:
        """What the net takes, [batch, height, width, 3] float32, of uint8 images."""
        return PRETRAINED[self.weights].preprocessing.normalise(pixels)

    def published(self, side: int, path: Path | None = None) -> tuple[dict[str, Any], str]:
        """The published weights of the trunk, as a classifier names them, and their file's SHA-256.

        Args:
          side: of the images in pixels.
          path: file of the weights; by default downloaded once.

        Raises:
          WeightsError: if the file is not there, cannot be read, or is another net's.
        """
        blank = jnp.zeros((1, side, side, 3))
        template = jax.eval_shape(self.trunk().init, jax.random.key(0), blank)
        loaded = load_pretrained(self.weights, template, path=path)
        variables = {collection: {TRUNK: tree} for collection, tree in loaded.variables.items()}
        return variables, loaded.sha256

    def learning_rate_of(self, regime: Regime) -> float:
        """The learning rate of a regime in which the trunk moves."""
        others = {"scratch": self.scratch_learning_rate, "lp_ft": self.lp_ft_learning_rate}
        return others.get(regime, self.learning_rate)


TUNED_NETS: dict[str, TunedNet] = {
    "alexnet_2014": TunedNet(
        alexnet_2014,
        "alexnet_2014",
        until="conv5",
        learning_rate=0.002,
        lp_ft_learning_rate=0.0005,
        scratch_learning_rate=0.002,
    ),
    "efficientnet_lite0": TunedNet(
        partial(efficientnet_lite, 0),
        "efficientnet_lite0",
        until="top",
        learning_rate=0.001,
        lp_ft_learning_rate=0.001,
        scratch_learning_rate=0.05,
    ),
}
