"""Batch norm's statistics of one domain made those of several, and back.

Weights are published with one mean and variance for every batch norm, and are trained that way by
whoever has one domain. A net with statistics per domain (`num_domains=2`) starts from these in each
of its domains; the net of one of them is again one that others can load.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

_STATISTICS = "batch_stats"


def statistics_per_domain(variables: Mapping[str, Any], num_domains: int) -> dict[str, Any]:
    """Variables whose batch norms keep statistics of each domain, all starting from the given ones.

    Args:
      variables: {collection: tree} of a net without statistics per domain; in `batch_stats` every
        leaf is [channels]. Without that collection, nothing changes.
      num_domains: how many domains the net was made for.

    Returns:
      The variables, each leaf of `batch_stats` [num_domains, channels].

    Raises:
      ValueError: if `num_domains` is below 1, or the statistics are those of several domains.
    """
    if num_domains < 1:
        raise ValueError(f"num_domains is {num_domains}; expected one at least")
    return _of_statistics(
        variables, 1, lambda leaf: jnp.broadcast_to(leaf[None], (num_domains, *leaf.shape))
    )


def statistics_of_domain(variables: Mapping[str, Any], domain: int) -> dict[str, Any]:
    """Variables with one domain's statistics alone, for a net without statistics per domain.

    Args:
      variables: {collection: tree}; in `batch_stats` every leaf is [num_domains, channels].
      domain: number of the domain.

    Returns:
      The variables, each leaf of `batch_stats` [channels].

    Raises:
      ValueError: if there is no such domain, or the statistics are those of none.
    """

    def chosen(leaf: jax.Array) -> jax.Array:
        if not 0 <= domain < len(leaf):
            raise ValueError(f"domain {domain}: expected a number below {len(leaf)}")
        return leaf[domain]

    return _of_statistics(variables, 2, chosen)


def _of_statistics(
    variables: Mapping[str, Any], axes: int, change: Callable[[Any], Any]
) -> dict[str, Any]:
    said = {1: "[channels] of all domains", 2: "[domains, channels]"}[axes]

    def changed(keys: tuple[Any, ...], leaf: Any) -> Any:
        if jnp.ndim(leaf) != axes:
            path = jax.tree_util.keystr(keys, simple=True, separator="/")
            raise ValueError(
                f"{_STATISTICS}/{path} is {list(jnp.shape(leaf))}; expected statistics {said}. "
                "They are changed already, or are not a batch norm's"
            )
        return change(leaf)

    return {
        collection: jax.tree_util.tree_map_with_path(changed, tree)
        if collection == _STATISTICS
        else tree
        for collection, tree in variables.items()
    }
