"""Nets with published weights, as they are fine-tuned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

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
          path: file of the weights; by default the publisher's, as `load_pretrained` finds it.

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


# Where the trunk moves, where the head is good from the start, and where nothing is carried over;
# those of a family whose names begin so. AlexNet's and EfficientNet-Lite's were chosen on
# Caltech-101, the others are customary for stochastic gradient descent and were not tried out here.
_LEARNING_RATES: dict[str, tuple[float, float, float]] = {
    "alexnet": (0.002, 0.0005, 0.002),
    "efficientnet_lite": (0.001, 0.001, 0.05),
    "resnet": (0.01, 0.005, 0.1),
    "": (0.003, 0.001, 0.03),  # every other: transformers and ConvNeXt
}
# AlexNet's convolutions alone, as is usual for it: the layers behind them are most of the net.
_LAST_STAGES = {"alexnet_2014": "conv5"}


def learning_rates_of(name: str) -> tuple[float, float, float]:
    """Where the trunk moves, where the head is good from the start, where nothing is carried over.

    Args:
      name: of published weights, of whose family the rates are.
    """
    return _LEARNING_RATES[next(family for family in _LEARNING_RATES if name.startswith(family))]


def _tuned(name: str) -> TunedNet:
    entry = PRETRAINED[name]
    until = _LAST_STAGES.get(name) or entry.build().stage_names[-2]
    return TunedNet(entry.build, name, until, *learning_rates_of(name))


TUNED_NETS: dict[str, TunedNet] = {name: _tuned(name) for name in PRETRAINED}


def tuned_net(name: str) -> TunedNet:
    """A net of `TUNED_NETS`.

    Raises:
      ValueError: if there is none of that name.
    """
    if name not in TUNED_NETS:
        raise ValueError(f"no net {name!r}; expected one of {', '.join(TUNED_NETS)}")
    return TUNED_NETS[name]
