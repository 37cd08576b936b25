"""Entropic optimal transport (Cuturi, NIPS 2013), in the log domain."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import logsumexp


class Plan(NamedTuple):
    """How mass is carried from rows to columns.

    Attributes:
      plan: [n, m], at least 0; its columns sum to the target's weights, its rows to the source's
        but for the error.
      error: sum of |row sum - source weight|.
      iterations: how many there were.
    """

    plan: jax.Array
    error: jax.Array
    iterations: jax.Array


@jax.jit
def sinkhorn(
    cost: jax.Array,
    regularisation: jax.Array | float,
    source_weights: jax.Array | None = None,
    target_weights: jax.Array | None = None,
    *,
    tolerance: float = 1e-5,
    most: int = 1000,
) -> Plan:
    """The plan P that minimises <P, cost> - regularisation H(P) for given sums of rows and columns.

    H(P) = -sum P (log P - 1). Sinkhorn's iteration on the logarithms of the scalings, the dual
    potentials f and g: f = r (log a - logsumexp_j((g_j - C_ij) / r)) and g likewise (Peyre & Cuturi
    2019, "Computational optimal transport", section 4.4), which does not overflow at a small
    regularisation. Reverse-mode differentiation through the iteration is not defined.

    Args:
      cost: C [n, m]; computed in float32.
      regularisation: r, positive, in the unit of the cost.
      source_weights: a [n], positive, sum 1; None for equal ones.
      target_weights: b [m], likewise.
      tolerance: error (see `Plan`) at which to stop.
      most: iterations after which to stop anyway.
    """
    scaled = cost.astype(jnp.float32) / regularisation
    n, m = cost.shape
    a = jnp.full(n, 1 / n) if source_weights is None else source_weights
    b = jnp.full(m, 1 / m) if target_weights is None else target_weights

    def rows(g: jax.Array) -> jax.Array:
        return jnp.log(a) - logsumexp(g[None] - scaled, axis=1)

    def columns(f: jax.Array) -> jax.Array:
        return jnp.log(b) - logsumexp(f[:, None] - scaled, axis=0)

    def unfinished(state):
        _, _, _, error, iterations = state
        return (error > tolerance) & (iterations < most)

    def iterate(state):
        _, g, f, _, iterations = state
        g = columns(f)
        next_f = rows(g)
        # What the rows sum to before they are scaled again is a exp(f - next_f).
        error = (a * jnp.abs(jnp.expm1(f - next_f))).sum()
        return f, g, next_f, error, iterations + 1

    zeros = jnp.zeros(m)
    first = rows(zeros)
    start = (first, zeros, first, jnp.asarray(jnp.inf), jnp.zeros((), jnp.int32))
    f, g, _, error, iterations = lax.while_loop(unfinished, iterate, start)
    return Plan(jnp.exp(f[:, None] + g[None] - scaled), error, iterations)
