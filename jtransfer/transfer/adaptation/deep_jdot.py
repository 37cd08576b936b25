"""Joint distribution optimal transport, deep (DeepJDOT: Damodaran et al., ECCV 2018)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.labels import one_hot
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.penalised import Seen, penalised_loss
from jtransfer.transfer.adaptation.sinkhorn import sinkhorn
from jtransfer.transfer.adaptation.squared_distances import squared_distances


def deep_jdot_loss(
    net: nn.Module,
    *,
    feature_cost: float = 0.01,
    label_cost: float = 1.0,
    regularisation: float = 0.05,
    most: int = 100,
) -> Loss:
    """The source's label loss plus the cost of carrying a batch's source to its target, jointly.

    C_ij = alpha |f_i - f_j|^2 + lambda_t CE(y_i, target's guess j), and sum_ij P_ij C_ij is added,
    with P the cheapest plan for this batch, a constant to the gradient (section 3; the JDOT of
    Courty et al., NIPS 2017, in each batch). P is here the entropic plan, by Sinkhorn's iteration
    on the device, where the authors solve the transport exactly on the host; and they have the
    squared distance of label and guess in the cost that P is found with.

    Args:
      net: a module with `features` and `classify`.
      feature_cost: alpha; .01 is that of the authors' code, for features of some tens in square.
      label_cost: lambda_t.
      regularisation: of the plan, as a share of the batch's mean cost.
      most: iterations.

    Returns:
      A loss for `make_step`, as `penalised_loss`.

    Raises:
      ValueError: if a cost is negative, or the regularisation not positive.
    """
    if not (feature_cost >= 0 and label_cost >= 0 and regularisation > 0):
        raise ValueError(
            f"feature_cost is {feature_cost}, label_cost {label_cost}, regularisation "
            f"{regularisation}; expected costs of 0 or more and a positive regularisation"
        )

    def penalty(seen: Seen) -> jax.Array:
        labels = one_hot(seen.labels, seen.target_logits.shape[1])
        logs = jax.nn.log_softmax(seen.target_logits)
        cost = feature_cost * squared_distances(seen.source_features, seen.target_features)
        cost = cost - label_cost * jnp.matmul(labels, logs.T, precision="highest")
        constant = lax.stop_gradient(cost)
        mean = constant.mean()
        scale = jnp.where(mean > 0, mean, 1.0)
        plan = sinkhorn(constant / scale, regularisation, most=most).plan
        return (lax.stop_gradient(plan) * cost).sum()

    return penalised_loss(net, "transport_cost", penalty, weight=1.0)
