"""ESZSL: zero-shot learning in closed form (Romera-Paredes & Torr, ICML 2015).

W = (X X^T + a I)^-1 X Y S^T (S S^T + g I)^-1 is in closed form, and with X X^T = Q diag(l) Q^T and
S S^T = R diag(m) R^T it is Q [Q^T X Y S^T R / ((l + a) (m + g))] R^T: two eigendecompositions give
every (a, g).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.probe import check_penalties
from jtransfer.transfer.zero_shot.class_signatures import check_seen


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class BilinearCompatibility:
    """The compatibility x^T W s of an image's features with a class's signature.

    Attributes:
      weights: W, [dims, attributes].
    """

    weights: jax.Array

    def decision(
        self, features: jax.Array | np.ndarray, signatures: jax.Array | np.ndarray
    ) -> jax.Array:
        """Scores [n, classes] of features [n, dims] and signatures [classes, attributes].

        Raises:
          ValueError: naming a row of either that is not finite.
        """
        require_finite(features)
        require_finite(signatures, name="signatures")
        return product(product(jnp.asarray(features), self.weights), jnp.asarray(signatures).T)

    def predict(
        self, features: jax.Array | np.ndarray, signatures: jax.Array | np.ndarray
    ) -> jax.Array:
        """Rows of `signatures` [n] with the highest score."""
        return self.decision(features, signatures).argmax(axis=1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ESZSLGrid:
    """What the solutions of every (a, g) share.

    Attributes:
      feature_squares: l, [dims].
      feature_axes: Q, [dims, dims].
      signature_squares: m, [attributes].
      signature_axes: R, [attributes, attributes].
      middle: Q^T X Y S^T R, [dims, attributes].
    """

    feature_squares: jax.Array
    feature_axes: jax.Array
    signature_squares: jax.Array
    signature_axes: jax.Array
    middle: jax.Array

    def solve(self, a: float, g: float) -> BilinearCompatibility:
        """The solution with penalty a on the features' side and g on the signatures'.

        Raises:
          ValueError: if one is not positive and finite.
        """
        return BilinearCompatibility(self.weights([a], [g])[0, 0])

    def weights(self, a: Sequence[float], g: Sequence[float]) -> jax.Array:
        """W of the whole grid, [a, g, dims, attributes], for one product with Q for each a.

        Args:
          a: penalties on the features' side.
          g: penalties on the signatures' side.

        Raises:
          ValueError: if a penalty is not positive and finite.
        """
        return _grid_weights(self, *_checked_grid(a, g))

    def decisions(
        self,
        features: np.ndarray,
        signatures: np.ndarray,
        a: Sequence[float],
        g: Sequence[float],
    ) -> jax.Array:
        """Scores of the whole grid: [a, g, n, classes].

        Args:
          features: [n, dims].
          signatures: [classes, attributes].
          a: penalties on the features' side.
          g: penalties on the signatures' side.

        Raises:
          ValueError: if a penalty is not positive and finite, or features or signatures are not
            finite.
        """
        require_finite(features)
        require_finite(signatures, name="signatures")
        sides = [jnp.asarray(each, jnp.float32) for each in (features, signatures)]
        return _decisions(self, *sides, *_checked_grid(a, g))


def decompose(
    features: np.ndarray, labels: np.ndarray, signatures: np.ndarray, *, negative: float = 0.0
) -> ESZSLGrid:
    """Prepare the solutions of every (a, g).

    In float64 on the host, so that penalties far below the largest eigenvalue of X X^T count.

    Args:
      features: X^T, [n, dims] float32 of images of seen classes.
      labels: [n] rows of `signatures`.
      signatures: S^T, [seen, attributes]. An attribute that all seen classes have acts as a bias:
        leave it out (`learnable`) if unseen classes differ in it.
      negative: Y of a class that is not the image's, where that of its class is 1; the paper has
        -1, and 0 does better on features and signatures that are not centred.

    Raises:
      ValueError: if these do not fit each other or are not finite.
    """
    labels = check_seen(features, labels, signatures)
    X, S = np.asarray(features, np.float64), np.asarray(signatures, np.float64)
    feature_squares, Q = np.linalg.eigh(X.T @ X)
    signature_squares, R = np.linalg.eigh(S.T @ S)
    # X Y needs no [n, classes] matrix: sums of the features of each class, and of all.
    sums = np.stack([X[labels == row].sum(axis=0) for row in range(len(S))])
    sums = (1 - negative) * sums + negative * X.sum(axis=0)
    middle = (sums @ Q).T @ (S @ R)
    parts = (np.maximum(feature_squares, 0), Q, np.maximum(signature_squares, 0), R, middle)
    return ESZSLGrid(*(jnp.asarray(each, jnp.float32) for each in parts))


def fit_eszsl(
    features: np.ndarray,
    labels: np.ndarray,
    signatures: np.ndarray,
    *,
    a: float,
    g: float,
    negative: float = 0.0,
) -> BilinearCompatibility:
    """The solution of one (a, g); arguments and errors as for `decompose` and `solve`."""
    return decompose(features, labels, signatures, negative=negative).solve(a, g)


@jax.jit
def _grid_weights(grid: ESZSLGrid, a, g):
    def at(a):
        # Columns are still those of the signatures' axes, where g divides.
        turned = product(grid.feature_axes, grid.middle / (grid.feature_squares + a)[:, None])
        return jax.lax.map(
            lambda g: product(turned / (grid.signature_squares + g)[None], grid.signature_axes.T), g
        )

    return jax.lax.map(at, a)


@jax.jit
def _decisions(grid: ESZSLGrid, features, signatures, a, g):
    turned = product(features, grid.feature_axes)
    wanted = product(signatures, grid.signature_axes)

    def at(a):
        embedded = product(turned, grid.middle / (grid.feature_squares + a)[:, None])
        return jax.lax.map(
            lambda g: product(embedded / (grid.signature_squares + g)[None], wanted.T), g
        )

    return jax.lax.map(at, a)


def _checked_grid(a: Sequence[float], g: Sequence[float]) -> list[jax.Array]:
    penalties = [np.asarray(each, np.float32) for each in (a, g)]
    for each in penalties:
        check_penalties(each)
    return [jnp.asarray(each) for each in penalties]
