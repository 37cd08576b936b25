"""Gradient surgery: what of a task's gradient works against another task is taken out.

Projecting conflicting gradients, PCGrad (Yu et al., NeurIPS 2020), in the space of the tasks: every
projected gradient is a sum of the tasks' own ones with factors, for which the table of their inner
products is all that has to be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jtransfer.transfer.finetuning.layers import Variables
from jtransfer.transfer.multitask.task_weights import Compared, TaskView, Weighed

_LEAST_SHARE = 1e-12  # of the largest squared length


@dataclass(frozen=True)
class PCGrad:
    """The sum of the losses, whose gradients to the trunk are projected (Yu et al., NeurIPS 2020).

    Each head learns from its own loss as it is; in the trunk what conflicts is taken out by
    `surgery_weights`, whose factors are what is logged as the weights.
    """

    compares: Compared = "trunk"

    def init(self, tasks: Sequence[str]) -> Variables:
        """Nothing is kept."""
        return {}

    def __call__(self, view: TaskView) -> Weighed:
        """Weights of 1, and the factors of the surgery."""
        factors = surgery_weights(view.products, view.key)
        return Weighed(jnp.ones_like(factors), factors)


def surgery_weights(products: jax.Array, key: jax.Array) -> jax.Array:
    """Factors a_k for which sum_k a_k g_k is the sum of the projected gradients.

    For each task i in turn, and all others j in random order: where g_i . g_j < 0, g_i becomes
    g_i - (g_i . g_j / |g_j|^2) g_j, in which g_i is what it has become and g_j is the task's
    own (Yu et al. 2020, Algorithm 1). So what is added to g_i is never longer than g_i was.

    Args:
      products: [tasks, tasks] inner products g_i . g_j of the tasks' gradients.
      key: of the orders.

    Returns:
      [tasks] float32, each at least 1, all 1 where no two gradients conflict. A gradient a million
      times shorter than the longest conflicts with nothing, so they are finite.
    """
    count = len(products)
    squares = jnp.diagonal(products)
    heard = squares > _LEAST_SHARE * squares.max()

    def project(task: jax.Array, key: jax.Array) -> jax.Array:
        """g_task after its projections, as factors of the tasks' gradients."""
        factors = jax.nn.one_hot(task, count)
        order = jax.random.permutation(key, count)
        for place in range(count):
            other = order[place]
            product = factors @ products[other]
            conflict = (other != task) & (product < 0) & heard[other]
            share = product / jnp.where(heard[other], squares[other], 1.0)
            factors = factors.at[other].add(jnp.where(conflict, -share, 0.0))
        return factors

    return jax.vmap(project)(jnp.arange(count), jax.random.split(key, count)).sum(axis=0)
