"""The maximum mean discrepancy of two domains, with several Gaussian kernels at once."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.transfer.adaptation.squared_distances import squared_distances

# Of the mean squared distance, as in the code that DAN's authors published.
MULTIPLES = (0.125, 0.25, 0.5, 1.0, 2.0)


def gaussian_kernels(rows: jax.Array, *, multiples: Sequence[float] = MULTIPLES) -> jax.Array:
    """sum_u exp(-|x - y|^2 / (2 u D)) of every two rows, D their mean squared distance.

    Equal weights beta of the kernels (Long et al., ICML 2015, learn them). D, the mean over
    all pairs, a row with itself among them, is a constant to the gradient.

    Args:
      rows: [n, dims].
      multiples: u, of D.

    Returns:
      [n, n] float32.
    """
    distances = squared_distances(rows, rows)
    mean = lax.stop_gradient(distances.mean())
    mean = jnp.where(mean > 0, mean, 1.0)  # all rows may be one
    return sum((jnp.exp(-distances / (2 * each * mean)) for each in multiples), jnp.zeros(()))


def gaussian_kernel(rows: jax.Array, variance: float) -> jax.Array:
    """exp(-|x - y|^2 / (2 variance)) of every two rows: [n, n] of [n, dims]."""
    return jnp.exp(-squared_distances(rows, rows) / (2 * variance))


def kernel_discrepancy(kernel: jax.Array, source: int) -> jax.Array:
    """The unbiased estimate of the squared discrepancy, which may be below 0.

    Mean k(s, s') + mean k(t, t') - 2 mean k(s, t), no example with itself (Gretton et al., JMLR
    2012, eq. 3). All pairs are taken, where DAN takes as many as there are examples, to
    save time.

    Args:
      kernel: of every two examples, the source's first: [n + m, n + m].
      source: n, of which, as of m, there are two or more.
    """
    target = len(kernel) - source
    if min(source, target) < 2:
        raise ValueError(
            f"{source} source and {target} target examples in a batch; expected 2 or more of each"
        )

    def within(square: jax.Array) -> jax.Array:
        count = len(square)
        return (square.sum() - jnp.trace(square)) / (count * (count - 1))

    across = kernel[:source, source:].mean()
    return within(kernel[:source, :source]) + within(kernel[source:, source:]) - 2 * across
