"""Schedules over the progress p of a run, from 0 to 1."""

import jax
import jax.numpy as jnp
import optax


def inverse_decay(
    rate: float, *, total_steps: int, alpha: float = 10.0, beta: float = 0.75
) -> optax.Schedule:
    """Learning rate mu_p = rate / (1 + alpha p)^beta (Ganin et al., JMLR 2016, section 5.2.2).

    Args:
      rate: the rate at the first step.
      total_steps: length of the run in steps.
      alpha: how fast the rate falls.
      beta: how far the rate falls.

    Returns:
      An optax schedule, from the step's number to the rate.
    """

    def schedule(count):
        return rate / (1.0 + alpha * count / total_steps) ** beta

    return schedule


def sigmoid_ramp(progress: jax.Array, *, gamma: float = 10.0) -> jax.Array:
    """lambda_p = 2 / (1 + exp(-gamma p)) - 1, from 0 towards 1 (Ganin et al., 2016, eq. 14)."""
    return 2.0 / (1.0 + jnp.exp(-gamma * progress)) - 1.0
