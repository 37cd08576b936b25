"""Optimal transport of the source's features to the target's (Courty et al., TPAMI 2017)."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.files.memory import require_memory
from jtransfer.transfer.adaptation.sinkhorn import sinkhorn
from jtransfer.transfer.adaptation.squared_distances import squared_distances
from jtransfer.transfer.adaptation.subspace import require_domains
from jtransfer.transfer.features.penalty_path import product


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Transport:
    """Where the source's examples are carried.

    Attributes:
      anchors: the source's features that it was fitted to, [n, dims].
      moved: where they go, [n, dims].
    """

    anchors: jax.Array
    moved: jax.Array

    @jax.jit
    def source(self, features: jax.Array | np.ndarray) -> jax.Array:
        """The source's features [k, dims] carried as their nearest anchors are.

        x + T(x_i) - x_i with x_i the nearest one (Ferradans et al. 2014, as POT has it), which is
        T(x) for an anchor.
        """
        features = jnp.asarray(features)
        nearest = squared_distances(features, self.anchors).argmin(axis=1)
        return features + (self.moved - self.anchors)[nearest]

    def target(self, features: jax.Array | np.ndarray) -> jax.Array:
        """The target's features [k, dims] as they are."""
        return jnp.asarray(features)


def fit_transport(
    source: np.ndarray, target: np.ndarray, *, regularisation: float = 0.05
) -> Transport:
    """Carry every source example to the mean of the target's that its mass goes to.

    T(x_i) = sum_j P_ij z_j / sum_j P_ij, the barycentric map (section 4.3) of the plan P of
    entropic transport with the squared distance as cost (section 4.1); no labels are used. Each
    domain is centred on its own mean first, which changes no plan, but what the mean cost is.
    Memory grows as n m.

    Args:
      source: [n, dims].
      target: [m, dims].
      regularisation: of the plan, positive, as a share of the mean cost; the larger, the more all
        are carried to the target's mean.

    Raises:
      ValueError: if the features do not fit each other, the distances do not fit into memory, or
        the regularisation is not positive.
    """
    require_domains(source, target)
    if not regularisation > 0:
        raise ValueError(
            f"regularisation is {regularisation}; expected a positive share of the mean cost, such "
            "as 0.05"
        )
    require_memory(
        12 * len(source) * len(target),
        f"the distances of {len(source):,} source and {len(target):,} target examples",
        error=ValueError,
    )
    anchors, landing = (jnp.asarray(each, jnp.float32) for each in (source, target))
    return Transport(anchors, _barycentres(anchors, landing, regularisation))


@jax.jit
def _barycentres(source: jax.Array, target: jax.Array, regularisation: float) -> jax.Array:
    cost = squared_distances(*(each - each.mean(axis=0)[None] for each in (source, target)))
    mean = cost.mean()
    plan = sinkhorn(cost / jnp.where(mean > 0, mean, 1.0), regularisation, tolerance=1e-4).plan
    return product(plan, target) / plan.sum(axis=1, keepdims=True)
