"""A running average of the parameters, kept in the optimizer's state."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtransfer.train.state import PyTree, TrainState


class AveragedState(NamedTuple):
    """What `averaged` remembers.

    Attributes:
      optimizer: the state of the optimizer inside.
      steps: number of steps taken, int32.
      average: tree like the parameters.
    """

    optimizer: optax.OptState
    steps: jax.Array
    average: PyTree


def averaged(
    optimizer: optax.GradientTransformation, *, decay: float = 0.999
) -> optax.GradientTransformation:
    """An optimizer that keeps an exponential moving average of the parameters it makes.

    After step n the average moves towards the parameters by 1 - min(decay, (1 + n) / (10 + n)):
    the start is forgotten in short runs too (as in TensorFlow's `ExponentialMovingAverage`). The
    training itself is unchanged; what is frozen stays what it is, bit by bit.

    Args:
      optimizer: the whole of it, so around that of the parameter groups.
      decay: share of the average that is kept at each step late in the run.

    Returns:
      A transformation for `make_step`; `averaged_params` reads the average.

    Raises:
      ValueError: if `decay` is not between 0 and 1.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay is {decay}; expected at least 0 and below 1, such as 0.999")

    def init(params: PyTree) -> AveragedState:
        # A copy, because the step donates its state and nothing can be donated twice.
        average = jax.tree.map(jnp.array, params)
        return AveragedState(optimizer.init(params), jnp.zeros((), jnp.int32), average)

    def update(updates: PyTree, state: AveragedState, params: PyTree | None = None):
        if params is None:
            raise ValueError("averaging needs the parameters; call update(updates, state, params)")
        updates, inner = optimizer.update(updates, state.optimizer, params)
        steps = state.steps + 1
        kept = jnp.minimum(decay, (1.0 + steps) / (10.0 + steps))
        # As a difference, which is 0 where nothing moves.
        average = jax.tree.map(
            lambda old, new: old + ((1.0 - kept) * (new - old)).astype(old.dtype),
            state.average,
            optax.apply_updates(params, updates),
        )
        return updates, AveragedState(inner, steps, average)

    return optax.GradientTransformation(init, update)  # pyright: ignore[reportArgumentType]


def averaged_params(state: TrainState) -> PyTree:
    """The averaged parameters, for `state.replace(params=...)` where a net is evaluated.

    Batch-norm statistics are running averages already: those of the state go with them.

    Raises:
      ValueError: if the state's optimizer is not from `averaged`.
    """
    if not isinstance(state.opt_state, AveragedState):
        raise ValueError(
            f"the optimizer's state is a {type(state.opt_state).__name__} without an average; "
            "make the optimizer with averaged(...), outermost"
        )
    return state.opt_state.average
