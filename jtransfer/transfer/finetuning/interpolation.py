"""Nets between nets: WiSE-FT and model soups.

Of a net and what fine-tuning made of it, the points between them are often better than both, above
all on images that differ from those of the fine-tuning (WiSE-FT: Wortsman et al., CVPR 2022,
"Robust fine-tuning of zero-shot models"). The mean of several fine-tunings from one start is a soup
(Wortsman et al., ICML 2022, "Model soups").
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp


def interpolate(a: Any, b: Any, alpha: float | jax.Array) -> Any:
    """(1 - alpha) a + alpha b, leaf by leaf (WiSE-FT, equation 1).

    Batch norm's running statistics are interpolated as the parameters are, which is only close to
    those of the net in between.

    >>> interpolate({"w": jnp.zeros(2)}, {"w": jnp.ones(2)}, 0.25)
    {'w': Array([0.25, 0.25], dtype=float32)}

    Args:
      a: tree of arrays, such as the variables of a published net.
      b: tree of the same leaves and shapes, such as those of the net fine-tuned.
      alpha: 0 gives a, 1 gives b; others go beyond them.

    Raises:
      ValueError: if the trees differ.
    """
    return weighted_sum((a, b), (1 - alpha, alpha))


def soup(trees: Sequence[Any]) -> Any:
    """The mean of several trees (Model soups, the uniform one).

    Raises:
      ValueError: if there is none, or they differ.
    """
    if not trees:
        raise ValueError("a soup of nothing; expected at least one tree")
    return weighted_sum(trees, [1 / len(trees)] * len(trees))


def interpolation_curve(
    judge: Callable[[Any], float],
    a: Any,
    b: Any,
    alphas: Sequence[float] = tuple(tenth / 10 for tenth in range(11)),
) -> list[tuple[float, float]]:
    """How good the nets between two are.

    Choose alpha on images that are not those of the test; the paper takes 0.5 where there are none.

    Args:
      judge: gives the accuracy of a tree.
      a: the tree at alpha 0.
      b: the tree at alpha 1.
      alphas: where to judge.

    Returns:
      (alpha, accuracy) pairs.

    Raises:
      ValueError: if the trees differ.
    """
    return [(alpha, float(judge(interpolate(a, b, alpha)))) for alpha in alphas]


def weighted_sum(trees: Sequence[Any], weights: Sequence[float | jax.Array]) -> Any:
    """Sum of weight times tree, leaf by leaf, in each leaf's own type."""
    first = jax.tree.map(jnp.shape, trees[0])
    for tree in trees[1:]:
        if jax.tree.map(jnp.shape, tree) != first:
            raise ValueError(
                "the trees differ in their leaves or shapes; expected those of one net, such as "
                "before and after fine-tuning. Leave out what only one has, such as a new head"
            )

    def summed(*leaves: jax.Array) -> jax.Array:
        dtype = jnp.result_type(leaves[0])
        total = sum(
            weight * jnp.asarray(leaf) for weight, leaf in zip(weights, leaves, strict=True)
        )
        return jnp.asarray(total, dtype)

    return jax.tree.map(summed, *trees)
