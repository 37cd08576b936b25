"""How much each task counts: what every weighting is, and fixed weights.

A weighting is a frozen dataclass that `multitask_loss` asks once a step: `FixedWeights` here,
`UncertaintyWeights` and `GradNorm` in `learned_task_weights`, `PCGrad` in `gradient_surgery`. All
of them run inside the one compiled step. What one learns lies among the parameters or in a
collection of statistics, where `with_task_weights` puts it.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp

from jtransfer.transfer.finetuning.layers import Variables

WEIGHTS = "task_weights"  # the key among the parameters, and the collection of statistics

Compared = Literal["nothing", "last stage", "trunk"]


class TaskError(ValueError):
    """Tasks and what is said of them do not fit."""


@dataclass(frozen=True)
class TaskView:
    """What a weighting may look at.

    Attributes:
      tasks: names, in the order of all that follows.
      labelled: [tasks] booleans: whether the batch has a label of the task.
      losses: [tasks] mean losses, 0 without labels.
      products: [tasks, tasks] inner products of the gradients of these losses with respect to the
        parameters that the weighting compares; 0 if it compares nothing.
      params: what the weighting keeps among the parameters.
      stats: what it keeps among the statistics.
      key: random, of the step.
    """

    tasks: tuple[str, ...]
    labelled: jax.Array
    losses: jax.Array
    products: jax.Array
    params: Any
    stats: Any
    key: jax.Array


@dataclass(frozen=True)
class Weighed:
    """What a weighting says.

    Attributes:
      losses: [tasks] weights of the losses.
      trunk: [tasks] further factors on what reaches the trunk of each loss's gradient.
      penalty: a scalar that is added to the weighted losses.
      stats: what the weighting keeps among the statistics.
    """

    losses: jax.Array
    trunk: jax.Array
    penalty: jax.Array | float = 0.0
    stats: Any = field(default_factory=dict)


class Weighting(Protocol):
    """How much each task counts."""

    @property
    def compares(self) -> Compared:
        """In which parameters it needs the inner products of the tasks' gradients."""
        ...

    def init(self, tasks: Sequence[str]) -> Variables:
        """What it keeps, at the start: {"params": ..., "stats": ...}, both may be missing."""
        ...

    def __call__(self, view: TaskView) -> Weighed:
        """The weights of a step."""
        ...


def with_task_weights(
    variables: Variables, weighting: Weighting, tasks: Sequence[str]
) -> dict[str, Any]:
    """The variables of a net, and what the weighting keeps where `multitask_loss` looks for it.

    Raises:
      TaskError: if the weighting does not fit the tasks.
    """
    kept = weighting.init(tasks)
    made = dict(variables)
    if "params" in kept:
        made["params"] = {**made["params"], WEIGHTS: kept["params"]}
    if "stats" in kept:
        made[WEIGHTS] = kept["stats"]
    return made


@dataclass(frozen=True)
class FixedWeights:
    """sum_i w_i L_i.

    Attributes:
      weights: of each task; None for 1 each.
    """

    weights: Mapping[str, float] | None = None
    compares: Compared = "nothing"

    def __post_init__(self):
        """Check that every weight is positive and finite."""
        for task, weight in (self.weights or {}).items():
            if not 0 < weight < math.inf:
                raise TaskError(
                    f"task {task!r} has the weight {weight}; expected a positive finite number. "
                    "To leave a task out, build the net and the loss without it"
                )

    def init(self, tasks: Sequence[str]) -> Variables:
        """Nothing is kept."""
        if self.weights is not None:
            require_tasks(self.weights, tasks, "weights")
        return {}

    def __call__(self, view: TaskView) -> Weighed:
        """The given weights."""
        given = self.weights or dict.fromkeys(view.tasks, 1.0)
        require_tasks(given, view.tasks, "weights")
        weights = jnp.asarray([given[task] for task in view.tasks], jnp.float32)
        return Weighed(weights, jnp.ones_like(weights))


def require_tasks(given: Mapping[str, Any], tasks: Sequence[str], what: str) -> None:
    """Check that something is given for every task and for nothing else.

    Raises:
      TaskError: naming the closest task.
    """
    for name in given:
        if name not in tasks:
            close = difflib.get_close_matches(name, tasks, n=1, cutoff=0.0)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise TaskError(
                f"{what} name the task {name!r}, and the tasks are {', '.join(tasks)}.{hint}"
            )
    missing = [task for task in tasks if task not in given]
    if missing:
        raise TaskError(f"{what} lack {', '.join(missing)}; expected one for every task. Add it")
