"""Deep CORAL (Sun & Saenko, ECCV workshops 2016): the covariances of both domains come together."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.penalised import Seen, penalised_loss


def covariance_distance(source: jax.Array, target: jax.Array) -> jax.Array:
    """|C_s - C_t|^2 / (4 d^2), Frobenius, of the covariances of [n, d] and [m, d] (eqs. 1-3)."""
    apart = _covariance(source) - _covariance(target)
    return jnp.square(apart).mean() / 4


def deep_coral_loss(net: nn.Module, *, weight: float = 1.0) -> Loss:
    """The source's label loss plus the distance of the covariances of both domains' class logits.

    Eq. 6 with the distance on the last layer, as in section 4. The paper chooses the weight so that
    both losses are about alike at the end of training.

    Args:
      net: a module with `features` and `classify`.
      weight: lambda of the distance.

    Returns:
      A loss for `make_step`, as `penalised_loss`.
    """

    def penalty(seen: Seen) -> jax.Array:
        return covariance_distance(seen.source_logits, seen.target_logits)

    return penalised_loss(net, "covariance_distance", penalty, weight=weight)


def _covariance(rows: jax.Array) -> jax.Array:
    if len(rows) < 2:
        raise ValueError(f"a batch of {len(rows)} a domain has no covariance; expected 2 or more")
    centred = rows - rows.mean(axis=0)[None]
    return jnp.matmul(centred.T, centred, precision="highest") / (len(rows) - 1)
