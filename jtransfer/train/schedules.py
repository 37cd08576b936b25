"""Schedules of the learning rate and of other weights over a run.

A schedule is read at the number of steps that were taken before: from 0, in the first step of a
run, to one less than its length, in the last.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax


def inverse_decay(
    learning_rate: float, *, total_steps: int, alpha: float = 10.0, beta: float = 0.75
) -> optax.Schedule:
    """Learning rate mu_p = mu_0 / (1 + alpha p)^beta (Ganin et al., JMLR 2016, section 5.2.2).

    Args:
      learning_rate: mu_0, the rate at the first step.
      total_steps: length of the run in steps; p is the share of them that was taken, so 1 is
        where the run is over, as it is to `progress` in `make_step`.
      alpha: how fast the rate falls.
      beta: how far the rate falls.

    Returns:
      An optax schedule, from the step's number to the rate.
    """

    def schedule(count):
        return learning_rate / (1.0 + alpha * count / total_steps) ** beta

    return schedule


def sigmoid_ramp(progress: jax.Array, *, gamma: float = 10.0) -> jax.Array:
    """lambda_p = 2 / (1 + exp(-gamma p)) - 1, from 0 towards 1 (Ganin et al., 2016, eq. 14)."""
    return 2.0 / (1.0 + jnp.exp(-gamma * progress)) - 1.0


def cosine(
    learning_rate: float, *, total_steps: int, warm_up: int = 0, final: float = 0.0
) -> optax.Schedule:
    """Linear warm-up, then half a cosine down (Loshchilov & Hutter, ICLR 2017, eq. 5).

    The rates are those of the steps that are taken: the first is above 0, and the last is the final
    one. The published results of `experiments.multitask` were measured when the cosine still ended
    one step behind the run.

    Args:
      learning_rate: the highest rate, of the first step behind the warm-up.
      total_steps: length of the run in steps, the warm-up among them. A run of a single step takes
        it at `learning_rate`.
      warm_up: steps before `learning_rate` is reached; the n-th of them has n / (warm_up + 1) of
        it.
      final: the rate of the last step, as a share of `learning_rate`.

    Returns:
      An optax schedule, from the step's number to the rate.

    Raises:
      ValueError: if the warm-up leaves no steps.
    """
    _check_warm_up(warm_up, total_steps)
    falling = total_steps - 1 - warm_up
    if falling == 0:
        last = learning_rate * final if warm_up else learning_rate
        return _warmed(optax.constant_schedule(last), learning_rate, warm_up)
    return _warmed(
        optax.cosine_decay_schedule(learning_rate, falling, final), learning_rate, warm_up
    )


def stepwise(
    learning_rate: float,
    *,
    total_steps: int,
    warm_up: int = 0,
    drops: Sequence[float] = (0.3, 0.6, 0.9),
    factor: float = 0.1,
) -> optax.Schedule:
    """Linear warm-up, then a constant rate that drops at shares of the run.

    The defaults are BiT-HyperRule's drops (Kolesnikov et al., ECCV 2020, section 3.3).

    Args:
      learning_rate: the highest rate, of the first step behind the warm-up.
      total_steps: length of the run in steps, the warm-up among them.
      warm_up: steps before `learning_rate` is reached; the n-th of them has n / (warm_up + 1) of
        it.
      drops: shares of the run after which the rate is multiplied by `factor`, in order.
      factor: of each drop.

    Returns:
      An optax schedule, from the step's number to the rate.

    Raises:
      ValueError: if the warm-up leaves no steps, or the drops are not behind it in rising order.
    """
    _check_warm_up(warm_up, total_steps)
    steps = [round(drop * total_steps) for drop in drops]
    if steps != sorted(set(steps)) or not all(warm_up < step < total_steps for step in steps):
        raise ValueError(
            f"drops {tuple(drops)} of {total_steps} steps; expected rising shares between the end "
            f"of the warm-up, {warm_up / total_steps:g}, and 1"
        )
    boundaries = {step - warm_up: factor for step in steps}
    return _warmed(
        optax.piecewise_constant_schedule(learning_rate, boundaries), learning_rate, warm_up
    )


def _check_warm_up(warm_up: int, total_steps: int) -> None:
    if not 0 <= warm_up < total_steps:
        raise ValueError(
            f"a warm-up of {warm_up} steps in a run of {total_steps}; expected at least 0 and "
            "fewer than the run has"
        )


def _warmed(schedule: optax.Schedule, rate: float, warm_up: int) -> optax.Schedule:
    if not warm_up:
        return schedule
    rising = optax.linear_schedule(rate / (warm_up + 1), rate, warm_up)
    return optax.join_schedules([rising, schedule], [warm_up])
