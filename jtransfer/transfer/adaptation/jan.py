"""Joint adaptation networks (JAN: Long, Zhu, Wang & Jordan, ICML 2017)."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.mean_discrepancy import (
    MULTIPLES,
    gaussian_kernel,
    gaussian_kernels,
    kernel_discrepancy,
)
from jtransfer.transfer.adaptation.penalised import Seen, penalised_loss

# Of the kernel on class probabilities, in the code that the authors published.
_DEVIATION = 0.92


def jan_loss(
    net: nn.Module,
    *,
    multiples: Sequence[float] = MULTIPLES,
    weight: Callable[[jax.Array], jax.Array] | float = sigmoid_ramp,
) -> Loss:
    """The source's label loss plus the joint discrepancy of features and class probabilities.

    The kernel of two examples is the product of those of their layers (section 4): several Gaussian
    kernels on the trunk's features, one of deviation .92 on the probabilities. Over all pairs of
    the batch, where the paper takes as many as there are examples. Its adversarial form,
    JAN-A, is left out.

    Args:
      net: a module with `features` and `classify`.
      multiples: bandwidths on the features, as multiples of the mean squared distance.
      weight: lambda of the discrepancy, a number or a function of progress from 0 to 1; the
        default is the paper's.

    Returns:
      A loss for `make_step`, as `penalised_loss`.
    """

    def penalty(seen: Seen) -> jax.Array:
        features = jnp.concatenate([seen.source_features, seen.target_features])
        logits = jnp.concatenate([seen.source_logits, seen.target_logits])
        of_classes = gaussian_kernel(jax.nn.softmax(logits), _DEVIATION**2)
        kernel = gaussian_kernels(features, multiples=multiples) * of_classes
        return kernel_discrepancy(kernel, len(seen.source_features))

    return penalised_loss(net, "joint_discrepancy", penalty, weight=weight)
