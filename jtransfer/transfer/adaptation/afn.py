"""Adaptive feature norm, stepwise (SAFN: Xu, Li, Yang & Lin, ICCV 2019)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.penalised import Seen, penalised_loss


def afn_loss(net: nn.Module, *, step: float = 1.0, weight: float = 0.05) -> Loss:
    """The source's label loss plus a pull on both domains' features towards larger norms.

    The mean over both domains' examples of (|f| - (c + step))^2, with c the norm that f has, a
    constant (section 3.3; the paper takes it from the step before). Its value is always 2 step^2:
    it is its gradient that counts. The mean is added up over the domains, as in the authors' code.
    Nothing is said about which classes the target has, so that it may lack some.

    Args:
      net: a module with `features` and `classify`.
      step: Delta r, by how much each norm shall grow.
      weight: lambda of the pull.

    Returns:
      A loss for `make_step`, as `penalised_loss`.

    Raises:
      ValueError: if the step is not positive.
    """
    if not step > 0:
        raise ValueError(f"step is {step}; expected a positive number, such as 1")

    def pull(features: jax.Array) -> jax.Array:
        squares = jnp.square(features).sum(axis=1)
        norms = jnp.sqrt(jnp.where(squares > 0, squares, 1.0))  # of 0 there is no gradient
        return jnp.square(norms - (lax.stop_gradient(norms) + step)).mean()

    def penalty(seen: Seen) -> jax.Array:
        return pull(seen.source_features) + pull(seen.target_features)

    return penalised_loss(net, "norm_pull", penalty, weight=weight)
