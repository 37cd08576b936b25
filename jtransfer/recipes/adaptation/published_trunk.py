"""Methods of adaptation on a trunk with published weights, under new heads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import Head
from jtransfer.nets.weights.pretrained_net import PretrainedNet
from jtransfer.transfer.finetuning.layers import adopt

_ALL = {".*": "full"}  # who moves where a method has no rules of its own


@dataclass(frozen=True, eq=False)
class PublishedTrunk:
    """A trunk with published weights, as methods of adaptation train it.

    Made of `pretrained(name, num_domains=2, frozen_statistics=False)`, batch norm keeps statistics
    of each domain, which begin as the published ones.

    Attributes:
      loaded: the trunk, ending with features [batch, dims].
      rate: factor on the trunk's learning rate.
      frozen: how many stages, the first ones, stay as they were published.
      hidden: width of the domain head's hidden layer.

    Raises:
      ValueError: if the rate is not positive, or there are not so many stages.
    """

    loaded: PretrainedNet
    rate: float = 0.1
    frozen: int = 0
    hidden: int = 1024

    def __post_init__(self):
        """Check the numbers where they enter."""
        stages = len(self.loaded.trunk.stages)
        if not (self.rate > 0 and 0 <= self.frozen < stages):
            raise ValueError(
                f"a rate of {self.rate} and {self.frozen} frozen stages; expected a positive rate, "
                f"such as 0.1, and 0 to {stages - 1} of the {stages} stages of {self.loaded.name}"
            )

    @property
    def frozen_stages(self) -> tuple[str, ...]:
        """Names of the stages that stay."""
        return self.loaded.trunk.stage_names[: self.frozen]

    def net(self, *, classes: int) -> AdaptationNet:
        """The trunk with a linear label head and a domain head."""
        trunk = self.loaded.trunk.clone(frozen=self.frozen_stages)
        return AdaptationNet(trunk, Head((), classes), Head((self.hidden,), 1))

    def under(self, fresh: Mapping[str, Any]) -> dict[str, Any]:
        """New variables of the net, those of the trunk replaced by the published ones."""
        published = adopt(fresh, self.loaded.below(), reinitialise=("label_head", "domain_head"))
        return jax.tree.map(jnp.array, published)  # copies, for a step uses up what it is given

    def rules(self, of_method: Mapping[str, str]) -> dict[str, str | float]:
        """Who moves: heads fully, the trunk slower; a method with rules of its own keeps them."""
        if dict(of_method) != _ALL:
            return dict(of_method)
        stay = {f"trunk/{stage}/.*": "frozen" for stage in self.frozen_stages}
        return {**stay, "trunk/.*": self.rate, **_ALL}

    def normalise(self, pixels: jax.Array) -> jax.Array:
        """What the trunk takes, float32, of uint8 images [batch, height, width, 3]."""
        return self.loaded.preprocessing.normalise(pixels)

    def said(self) -> dict[str, Any]:
        """For a run's settings."""
        return {
            "name": self.loaded.name,
            "sha256": self.loaded.sha256,
            "rate": self.rate,
            "frozen": list(self.frozen_stages),
            "hidden": self.hidden,
        }
