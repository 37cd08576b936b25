"""Weights of tasks that are learned: from their uncertainty, or from their pace."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.transfer.finetuning.layers import Variables
from jtransfer.transfer.multitask.task_weights import (
    Compared,
    TaskError,
    TaskView,
    Weighed,
    Weighting,
)

_TINY = 1e-12


@dataclass(frozen=True)
class UncertaintyWeights:
    """sum_i exp(-s_i) L_i + s_i, the log-variances s_i learned (Kendall et al., CVPR 2018).

    All tasks are treated alike. With s = log sigma^2 the paper has exp(-s) L / 2 + s / 2 for a task
    of numbers (eq. 7), half of this, and exp(-s) L + s / 2 for one of classes (eq. 10), whose s is
    half as strong as here. Where s is learned to its end, the weights are 1 / L here and 1 / (2 L)
    there for both kinds; on the way, from s = 0, tasks of numbers weigh half as much there as those
    of classes, and here as much.

    They start at 0 and learn as any parameter, `task_weights/log_variance`: leave weight decay away
    from them, which would pull the weights to 1. Without a bound the weight 1/L_i of a task that is
    learned by heart grows to infinity.

    Attributes:
      most: largest weight; the smallest is 1 / most.
    """

    most: float = 100.0
    compares: Compared = "nothing"

    def __post_init__(self):
        """Check the bound."""
        if not 1 < self.most < math.inf:
            raise TaskError(f"most is {self.most}; expected a finite largest weight above 1")

    def init(self, tasks: Sequence[str]) -> Variables:
        """Log-variances of 0."""
        return {"params": {"log_variance": jnp.zeros(len(tasks))}}

    def __call__(self, view: TaskView) -> Weighed:
        """Weights exp(-s_i), with a gradient to s_i; a task without labels leaves its own alone."""
        log_variance = hold_within(_kept(self, view.params)["log_variance"], math.log(self.most))
        weights = jnp.exp(-log_variance)
        penalty = jnp.where(view.labelled, log_variance, 0.0).sum()
        return Weighed(weights, jnp.ones_like(weights), penalty)


@dataclass(frozen=True)
class GradNorm:
    """Weights by which all tasks pull alike, the slower ones harder (Chen et al., ICML 2018).

    With G_i = |grad_W w_i L_i| of the last stage W that the tasks share, r_i the loss as a share of
    the first one over the tasks' mean share, the weights descend sum_i |G_i - mean(G) r_i^alpha|,
    the second term held constant, and are scaled to a sum of as many as there are tasks
    (Algorithm 1). Tasks without labels in a batch are left out of the means, and keep their weight
    but for the scaling.

    Attributes:
      alpha: how much harder the slower tasks pull.
      learning_rate: of the plain gradient descent on the weights.
      least: of a weight before scaling, which so stays above `least` / tasks.
    """

    alpha: float = 1.5
    learning_rate: float = 0.025
    least: float = 0.01
    compares: Compared = "last stage"

    def __post_init__(self):
        """Check the numbers."""
        if not (
            0 <= self.alpha < math.inf and 0 < self.learning_rate < math.inf and 0 < self.least < 1
        ):
            raise TaskError(
                f"alpha={self.alpha}, learning_rate={self.learning_rate}, least={self.least}; "
                "expected alpha of 0 or more, a positive rate and least between 0 and 1"
            )

    def init(self, tasks: Sequence[str]) -> Variables:
        """Weights of 1, and no first losses yet."""
        return {"stats": {"weight": jnp.ones(len(tasks)), "first_loss": jnp.zeros(len(tasks))}}

    def __call__(self, view: TaskView) -> Weighed:
        """The weights kept, and those of the next step."""
        kept = _kept(self, view.stats)
        weights, first = kept["weight"], kept["first_loss"]
        labelled = view.labelled
        first = jnp.where(labelled & (first == 0), view.losses, first)
        lengths = jnp.sqrt(jnp.diagonal(view.products))
        pulls = weights * lengths
        pace = view.losses / jnp.where(first > 0, first, 1.0)
        relative = pace / jnp.maximum(_mean(pace, labelled), _TINY)
        target = _mean(pulls, labelled) * relative**self.alpha
        slope = jnp.where(labelled, jnp.sign(pulls - target) * lengths, 0.0)
        moved = jnp.clip(weights - self.learning_rate * slope, self.least, len(weights))
        moved = moved * len(weights) / moved.sum()
        new_stats = {"weight": moved, "first_loss": first}
        return Weighed(weights, jnp.ones_like(weights), stats=new_stats)


@jax.custom_vjp
def hold_within(values: jax.Array, limit: float) -> jax.Array:
    """Values clipped to -limit .. limit, whose gradient never leads descent further out.

    Inside it is the identity. Unlike a clip's, the gradient of a value at or beyond a limit is not
    lost where descent along it leads back in.
    """
    return jnp.clip(values, -limit, limit)


def _hold(values, limit):
    return hold_within(values, limit), (values, limit)


def _held(saved, gradient):
    values, limit = saved
    outwards = ((values <= -limit) & (gradient > 0)) | ((values >= limit) & (gradient < 0))
    return jnp.where(outwards, 0.0, gradient), jnp.zeros_like(limit)


hold_within.defvjp(_hold, _held)


def _kept(weighting: Weighting, tree: Any) -> Any:
    if not tree:
        raise TaskError(
            f"the variables hold nothing of {type(weighting).__name__}; expected what it starts "
            "from. Make them by with_task_weights(variables, weighting, tasks)"
        )
    return tree


def _mean(values: jax.Array, of: jax.Array) -> jax.Array:
    return jnp.where(of, values, 0.0).sum() / jnp.maximum(of.sum(), 1)
