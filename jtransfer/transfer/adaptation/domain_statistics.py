"""Batch norm's statistics of the target, where a net has been trained on the source alone."""

from typing import Any

import jax

STATISTICS = "batch_stats"


def with_source_statistics(variables: Any, *, source: int = 0, target: int = 1) -> Any:
    """Variables in which the target's running statistics are, at first, the source's.

    For methods that begin with a net of the source: a running mean that began at 0 would be wrong
    for tens of steps.

    Args:
      variables: of a net with `DomainBatchNorm`, whose statistics have a row a domain; of others
        nothing changes.
      source: number of the domain that the net was trained on.
      target: number of the one to adapt to.
    """
    if STATISTICS not in variables:
        return variables

    def begun(rows: jax.Array) -> jax.Array:
        return rows.at[target].set(rows[source]) if rows.ndim == 2 else rows

    return {**variables, STATISTICS: jax.tree.map(begun, variables[STATISTICS])}
