"""Finding a learning rate by a short run over all of them (Smith, WACV 2017, section 3.3)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import optax

from jtransfer.train.compilation import Gather, compile_step
from jtransfer.train.loop import Feed
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss, make_step


@dataclass(frozen=True)
class RateTest:
    """What a run over growing rates has shown.

    Attributes:
      rates: of the steps that were taken.
      losses: of each step's batch, before the step.
      smoothed: their running average.
      suggestion: a tenth of the rate at which `smoothed` is least.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float


def find_rate(
    loss: Loss,
    optimizer: Callable[[optax.Schedule], optax.GradientTransformation],
    state: TrainState,
    feed: Feed,
    gather: Gather,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
    diverged: float = 4.0,
    **options: Any,
) -> RateTest:
    """Train while the rate grows exponentially from step to step, until the loss diverges.

    At low rates the loss stays where it is, then it falls, and where the rate is too large it
    rises. A tenth of the rate at the bottom is suggested: there the loss still falls fast.

    Args:
      loss: as for `make_step`.
      optimizer: makes the optimizer of a schedule, such as
        `lambda rate: groups.optimizer(optax.sgd(rate, momentum=0.9))`.
      state: to start from; it is copied and stays as it is. Its optimizer's state is not used.
      feed: gives each step's batch, from the one of `state.step` on.
      gather: as for `compile_step`.
      lowest: rate of the first step.
      highest: rate of the last step, if the run gets there.
      steps: length of the run.
      smoothing: share of the running average of the losses that is kept at each step.
      diverged: the run ends where the smoothed loss is so many times its least value, or is not
        finite.
      **options: further arguments of `make_step`, such as `trainable`.

    Raises:
      ValueError: if the numbers are out of range, or the loss does not fall.
    """
    if not 0 < lowest < highest or steps < 2 or not 0 <= smoothing < 1 or not diverged > 1:
        raise ValueError(
            f"{lowest=}, {highest=}, {steps=}, {smoothing=}, {diverged=}; expected rising positive "
            "rates, two steps or more, smoothing below 1, and diverged above 1"
        )
    growing = optimizer(optax.exponential_decay(lowest, steps - 1, highest / lowest))
    compiled = compile_step(make_step(loss, growing, total_steps=steps, **options), gather)
    own = TrainState.create({"params": state.params, **state.stats}, growing, rng=state.rng)
    first, constants = int(state.step), feed.constants
    rates, losses, smoothed = [], [], []
    average = 0.0
    for number in range(steps):
        own, metrics = compiled(own, constants, feed.inputs(first + number))
        total, count = jax.device_get(metrics["loss"])
        value = float(total / count)
        average = smoothing * average + (1 - smoothing) * value
        now = average / (1 - smoothing ** (number + 1))  # as if it had not begun at 0
        if not math.isfinite(now) or (smoothed and now > diverged * min(smoothed)):
            break
        rates.append(lowest * (highest / lowest) ** (number / (steps - 1)))
        losses.append(value)
        smoothed.append(now)
    bottom = smoothed.index(min(smoothed)) if smoothed else 0
    if bottom == 0:
        raise ValueError(
            f"the loss does not fall at any rate from {lowest:g} on: {losses[:5]}...; expected a "
            "rate at which the net learns. Start lower, take more steps, or look at the loss"
        )
    return RateTest(tuple(rates), tuple(losses), tuple(smoothed), rates[bottom] / 10)
