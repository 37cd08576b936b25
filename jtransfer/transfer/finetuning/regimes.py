"""The regimes of fine-tuning, as plans: which layers move, when, and how fast.

Each is one or several phases, with a factor on the learning rate of every layer:

    scratch      nothing is carried over, everything moves
    frozen       the head alone moves
    slow_trunk   the trunk at a tenth of the head's rate
    full         everything at one rate
    layerwise    the rate divided by 2.6 from layer to layer downwards (Howard & Ruder 2018, 3.2)
    gradual      the head alone, then one layer more after the other (Howard & Ruder 2018, 3.3)
    lp_ft        everything, the head starting from a linear probe (Kumar et al. 2022)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from jtransfer.transfer.finetuning.layers import HEAD, TRUNK

Regime = Literal["scratch", "frozen", "slow_trunk", "full", "layerwise", "gradual", "lp_ft"]
REGIMES: tuple[Regime, ...] = (
    "scratch",
    "frozen",
    "slow_trunk",
    "full",
    "layerwise",
    "gradual",
    "lp_ft",
)


@dataclass(frozen=True)
class Phase:
    """A stretch of training in which the same layers move.

    Attributes:
      start: steps taken before it.
      end: steps taken when it is over.
      factors: each layer's factor on the learning rate; 0 for a frozen one.
    """

    start: int
    end: int
    factors: Mapping[str, float]

    @property
    def frozen_stages(self) -> tuple[str, ...]:
        """Stages of the trunk that do not move."""
        paths = (layer for layer, factor in self.factors.items() if factor == 0)
        return tuple(path.removeprefix(f"{TRUNK}/") for path in paths if path != HEAD)


def plan(
    regime: Regime,
    layers: Sequence[str],
    *,
    steps: int,
    slow: float = 0.1,
    decay: float = 2.6,
    thaw: float = 0.5,
) -> tuple[Phase, ...]:
    """The phases of a regime.

    Args:
      regime: one of `REGIMES`.
      layers: of the net, first to last, from `layer_names`.
      steps: of the whole run.
      slow: the trunk's factor in `slow_trunk`.
      decay: by which `layerwise` divides the rate from layer to layer.
      thaw: share of the run in which `gradual` unfreezes, in equal parts, all but the first layer.

    Raises:
      ValueError: if the regime is unknown, or there are too few steps for its phases.
    """
    if regime not in REGIMES:
        raise ValueError(f"no regime {regime!r}; expected one of {', '.join(REGIMES)}")
    if regime == "gradual":
        return _gradual(layers, steps, thaw)
    if regime == "layerwise":
        factors = {layer: decay**-depth for depth, layer in enumerate(reversed(layers))}
    else:
        trunk = {"frozen": 0.0, "slow_trunk": slow}.get(regime, 1.0)
        factors = {layer: 1.0 if layer == HEAD else trunk for layer in layers}
    return (Phase(0, steps, factors),)


def freezing(layers: Sequence[str], frozen: Sequence[str], *, steps: int) -> tuple[Phase, ...]:
    """One phase in which the layers move, all but the frozen ones."""
    return (Phase(0, steps, {layer: float(layer not in frozen) for layer in layers}),)


def _gradual(layers: Sequence[str], steps: int, thaw: float) -> tuple[Phase, ...]:
    """The head alone, the last two layers, ..., all of them until the end."""
    last = max(len(layers) - 1, 1)
    changes = [round(steps * thaw * i / last) for i in range(len(layers))]
    ends = [*changes[1:], steps]
    if any(start >= end for start, end in zip(changes, ends, strict=True)):
        raise ValueError(
            f"{steps} steps and {thaw=} for unfreezing {len(layers)} layers one by one; expected "
            "at least one step for each. Take more steps"
        )
    return tuple(
        Phase(start, end, {layer: float(place >= first) for place, layer in enumerate(layers)})
        for start, end, first in zip(changes, ends, reversed(range(len(layers))), strict=True)
    )
