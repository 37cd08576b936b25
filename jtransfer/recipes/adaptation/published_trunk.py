"""Methods of adaptation on a trunk with published weights, under new heads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import Head, Trunk
from jtransfer.nets.weights.pretrained_net import PretrainedNet
from jtransfer.transfer.adaptation.adda import ENCODER, TARGET_ENCODER
from jtransfer.transfer.finetuning.layers import adopt
from jtransfer.transfer.parameter_groups import FROZEN, FULL

_EVERYTHING = {".*": FULL}  # moves where a method has no rules of its own


@dataclass(frozen=True, eq=False)
class PublishedTrunk:
    """A trunk with published weights, as methods of adaptation train it.

    Made of `pretrained(name, num_domains=2, frozen_statistics=False)`, batch norm keeps statistics
    of each domain, which begin as the published ones.

    Attributes:
      loaded: the trunk, ending with features [batch, dims].
      rate: factor on the trunk's learning rate, whatever the method's is.
      frozen: how many stages, the first ones, stay as they were published.
      hidden: width of the domain head's hidden layer.
      passed: names of stages below the trunk that what it is given has been through already.

    Raises:
      ValueError: if the rate is not positive, or there are not so many stages.
    """

    loaded: PretrainedNet
    rate: float = 0.1
    frozen: int = 0
    hidden: int = 1024
    passed: tuple[str, ...] = ()

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

    @property
    def frozen_part(self) -> tuple[Trunk, dict[str, Any]]:
        """These stages and their variables."""
        below, _ = self._split
        return below

    @property
    def above_frozen(self) -> "PublishedTrunk":
        """The trunk of the stages that move, for what `frozen_outputs` of this one gives."""
        _, (trunk, variables) = self._split
        return replace(
            self,
            loaded=replace(self.loaded, trunk=trunk, variables=variables),
            frozen=0,
            passed=(*self.passed, *self.frozen_stages),
        )

    @property
    def _split(self) -> tuple[tuple[Trunk, dict[str, Any]], tuple[Trunk, dict[str, Any]]]:
        """Stages with their variables: those that stay, and those above."""
        trunk = self.loaded.trunk

        def part(stages: Any) -> tuple[Trunk, dict[str, Any]]:
            names = [name for name, _ in stages]
            return trunk.clone(stages=stages), {
                collection: {name: tree[name] for name in names if name in tree}
                for collection, tree in self.loaded.variables.items()
            }

        return part(trunk.stages[: self.frozen]), part(trunk.stages[self.frozen :])

    def net(self, *, classes: int) -> AdaptationNet:
        """The trunk with a linear label head and a domain head."""
        trunk = self.loaded.trunk.clone(frozen=self.frozen_stages)
        return AdaptationNet(trunk, Head((), classes), Head((self.hidden,), 1))

    def under(self, fresh: Mapping[str, Any]) -> dict[str, Any]:
        """New variables of the net, those of the trunk replaced by the published ones."""
        new = {layer for tree in fresh.values() for layer in tree} - {ENCODER}
        published = adopt(fresh, self.loaded.below(), reinitialise=sorted(new))
        return jax.tree.map(jnp.array, published)  # copies, for a step uses up what it is given

    def rules(self, of_method: Mapping[str, str]) -> dict[str, str | float]:
        """Who moves: as a method has it, but the trunk slower and its first stages not at all.

        So does the encoder that ADDA's target has for itself.
        """
        encoder = TARGET_ENCODER if f"{TARGET_ENCODER}/.*" in of_method else ENCODER
        rules: dict[str, str | float] = {
            f"{encoder}/{stage}/.*": FROZEN
            for stage in self.frozen_stages
            if stage in self.loaded.variables["params"]
        }
        if dict(of_method) == _EVERYTHING:
            return {**rules, f"{ENCODER}/.*": self.rate, **_EVERYTHING}
        for pattern, value in of_method.items():
            slower = value == FULL and not pattern.startswith("domain_head")
            rules[pattern] = self.rate if slower else value
        return rules

    def normalise(self, pixels: jax.Array) -> jax.Array:
        """What the trunk takes, float32, of uint8 images [batch, height, width, 3].

        What has passed stages already stays as it is.
        """
        if self.passed:
            return pixels
        return self.loaded.preprocessing.normalise(pixels)

    def said(self) -> dict[str, Any]:
        """For a run's settings."""
        return {
            "name": self.loaded.name,
            "sha256": self.loaded.sha256,
            "rate": self.rate,
            "frozen": [*self.passed, *self.frozen_stages],
            "hidden": self.hidden,
        }
