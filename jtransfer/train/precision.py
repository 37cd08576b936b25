"""Computing in bfloat16 with parameters in float32."""

from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.train.state import PyTree
from jtransfer.train.step import Loss


def in_bfloat16(loss: Loss, *, inputs: tuple[str, ...] = ("image",)) -> Loss:
    """The same loss with the net's arithmetic in bfloat16 (Micikevicius et al. 2018, section 3.1).

    Parameters, gradients, the optimizer and the statistics stay float32: the loss is given a
    rounded copy of the parameters. jtransfer's batch norms take their statistics, and its criteria
    their loss, in float32. A penalty on the parameters belongs around this, where they are whole:
    `l2_sp(in_bfloat16(loss))`. bfloat16 has float32's range, so the loss needs no scaling.

    Args:
      loss: any loss for `make_step`.
      inputs: names of what of the batch the net computes with, arrays or trees of arrays (frames
        and their mask); of these, those of floating point are rounded, and labels are left whole.
    """

    def rounded(params: PyTree, stats: PyTree, batch: PyTree, rng: jax.Array, progress: jax.Array):
        def round_input(path: tuple[Any, ...], values: jax.Array) -> jax.Array:
            names = {jax.tree_util.keystr((key,), simple=True) for key in path}
            return values if names.isdisjoint(inputs) else _round(values)

        batch = jax.tree_util.tree_map_with_path(round_input, batch)
        return loss(jax.tree.map(_round, params), stats, batch, rng, progress)

    return rounded


def _round(values: jax.Array) -> jax.Array:
    floating = jnp.issubdtype(values.dtype, jnp.floating)
    return values.astype(jnp.bfloat16) if floating else values
