"""How a method trains a net: a value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import optax

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.recipes.adaptation.options import Options
from jtransfer.recipes.adaptation.problem import Pixels, Problem
from jtransfer.train.step import Loss

Variables = Any


def as_they_are(variables: Variables) -> Variables:
    """No change."""
    return variables


@dataclass(frozen=True)
class Recipe:
    """How a method trains a net.

    Attributes:
      net: the net.
      loss: for `make_step`.
      optimizer: of what moves.
      settings: of the optimizer and the loss, for the config and the report.
      rules: who moves, for `parameter_groups`.
      start: from the net's variables to those that training starts from.
      on_source: from a state's variables to those that read source images.
      on_target: the same for target images.
      domains: whose batch-norm statistics are used on source and on target images.
      pixels: what is done to the images.
      augment: for `make_step`.
      average: share of a running average of the parameters that is kept at each step. Beside the
        last parameters it is tried too: games circle around where they would settle. None for no
        average.
    """

    net: AdaptationNet
    loss: Loss
    optimizer: optax.GradientTransformation
    settings: dict[str, Any]
    rules: dict[str, str] = field(default_factory=lambda: {".*": "full"})
    start: Callable[[Variables], Variables] = as_they_are
    on_source: Callable[[Variables], Variables] = as_they_are
    on_target: Callable[[Variables], Variables] = as_they_are
    domains: tuple[int, int] = (0, 1)
    pixels: Pixels = "centred"
    augment: Callable[[jax.Array, Any], Any] | None = None
    average: float | None = None


@dataclass(frozen=True)
class Method:
    """A row of the table of methods.

    Attributes:
      title: in tables and figures.
      sees: the domains whose images it trains on.
      labelled: those of them whose labels it sees.
      recipe: from the problem, the options and the number of steps; None where nothing is trained
        by steps.
      from_source: whether it starts from the source-only run of the same seed.
    """

    title: str
    sees: tuple[str, ...]
    labelled: tuple[str, ...]
    recipe: Callable[[Problem, Options, int], Recipe] | None
    from_source: bool = False
