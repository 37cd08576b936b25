"""L2-SP: hold the weights at their start instead of at zero (Li, Grandvalet & Davoine 2018)."""

from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.train.step import Loss
from jtransfer.transfer.finetuning.layers import HEAD, TRUNK, Variables

START = "start"  # the collection that holds the weights at the start


def l2_sp(loss: Loss, *, alpha: float, beta: float) -> Loss:
    """Add alpha/2 |w - w0|^2 of the trunk and beta/2 |w|^2 of the head (Li et al. 2018, eq. 3).

    Every parameter is held, biases and batch norm's scales and shifts too, and so are the head's
    biases. The paper speaks of weights, and the published code of its authors penalises the kernels
    alone by default; it has all parameters as an option.

    Args:
      loss: any loss for `make_step`; the variables that it trains are from `with_start`.
      alpha: how strongly the trunk is held at its start w0.
      beta: weight decay of the head.

    Returns:
      A loss whose metrics have the `penalty` as well.
    """

    def penalised(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        start = stats[START]
        own = {name: tree for name, tree in stats.items() if name != START}
        value, (new_stats, metrics) = loss(params, own, batch, rng, progress)
        away = jax.tree.map(jnp.subtract, params.get(TRUNK, {}), start)
        penalty = alpha / 2 * _squared(away) + beta / 2 * _squared(params[HEAD])
        metrics = {**metrics, "penalty": (penalty, jnp.ones(()))}
        return value + penalty, ({**new_stats, START: start}, metrics)

    return penalised


def with_start(variables: Variables) -> dict[str, Any]:
    """The variables, and the trunk's parameters once more, where `l2_sp` looks for them."""
    return {**variables, START: variables["params"].get(TRUNK, {})}


def _squared(tree: Any) -> jax.Array:
    return sum((jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)), jnp.zeros(()))
