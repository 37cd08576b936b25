"""Deep adaptation networks (DAN: Long, Cao, Wang & Jordan, ICML 2015)."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.mean_discrepancy import (
    MULTIPLES,
    gaussian_kernels,
    kernel_discrepancy,
)
from jtransfer.transfer.adaptation.penalised import Seen, penalised_loss


def dan_loss(
    net: nn.Module,
    *,
    multiples: Sequence[float] = MULTIPLES,
    weight: Callable[[jax.Array], jax.Array] | float = sigmoid_ramp,
) -> Loss:
    """The source's label loss plus the discrepancy of both domains' features, with several kernels.

    The paper's with one layer, the trunk's features, in the place of the last three, and all
    kernels of one weight (see `gaussian_kernels`).

    Args:
      net: a module with `features` and `classify`.
      multiples: the kernels' bandwidths, as multiples of the mean squared distance.
      weight: lambda of the discrepancy, a number or a function of progress from 0 to 1; the paper's
        is a number between .1 and 10, the ramp is that of its authors' later code.

    Returns:
      A loss for `make_step`, as `penalised_loss`.
    """

    def penalty(seen: Seen) -> jax.Array:
        rows = jnp.concatenate([seen.source_features, seen.target_features])
        kernel = gaussian_kernels(rows, multiples=multiples)
        return kernel_discrepancy(kernel, len(seen.source_features))

    return penalised_loss(net, "mean_discrepancy", penalty, weight=weight)
