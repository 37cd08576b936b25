"""Retrieval by the cosine between features: how they are prepared, and an exact search.

Sharif Razavian et al. 2014 ("CNN features off-the-shelf", section 4) prepare them so: length 1, PCA
to 500 dimensions, whitening, length 1 again, signed power.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.extraction import require_finite


def l2_normalised(features: jax.Array) -> jax.Array:
    """Features [..., dims] divided by their length, of any type and size; zero stays zero.

    The length is taken in float32 of features of which the largest is 1: squares of half precision
    end at 65504, those of float32 at 3e38 and 1e-38. The gradient at zero is that of features as
    they are.
    """
    precise = features.astype(jnp.promote_types(features.dtype, jnp.float32))
    largest = jax.lax.stop_gradient(jnp.abs(precise).max(axis=-1, keepdims=True))
    scaled = precise / jnp.where(largest > 0, largest, 1)
    squared = jnp.square(scaled).sum(axis=-1, keepdims=True)
    # A square root of 0 would have no gradient, not even behind a `where`.
    return (scaled / jnp.sqrt(jnp.where(squared > 0, squared, 1))).astype(
        jnp.result_type(features, float)
    )


def signed_power(features: jax.Array, power: float) -> jax.Array:
    """sign(x) |x|^power of every feature: below 1 evens them out, above 1 sharpens the largest.

    The gradient at zero, which is infinite below 1, is given as 0.
    """
    sizes = jnp.abs(jnp.where(features == 0, 1, features))
    return jnp.sign(features) * sizes**power


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Whitening:
    """A projection to the principal components, each scaled to variance 1.

    Attributes:
      mean: [dims] of the features it was fitted to.
      projection: [dims, components]; components by falling variance, each with its largest weight
        positive.
      share: of the features' variance that lies in the components, between 0 and 1.
    """

    mean: jax.Array
    projection: jax.Array
    share: jax.Array


def fit_whitening(features: np.ndarray | jax.Array, components: int) -> Whitening:
    """Fit a PCA-whitening: y = (x - mean) V diag(1 / sigma), with sigma of n - 1 examples.

    From the eigenvectors of the covariance or of the Gram matrix, whichever is smaller: about
    9 min(n, dims)^3 operations, with all the features on the device.

    Args:
      features: [n, dims], computed with in float32.
      components: how many to keep.

    Raises:
      ValueError: if the features are no [n, dims], not finite, or do not vary in as many
        directions.
    """
    require_finite(features)
    n, dims = features.shape
    if not 1 <= components <= min(n - 1, dims):
        raise ValueError(
            f"{components} components of {n:,} features of {dims:,} dimensions; expected 1 to "
            f"{min(n - 1, dims):,}, the most that they can vary in"
        )
    mean, lengths, vectors, share = _principal_components(
        jnp.asarray(features, jnp.float32), components
    )
    # What float32 cannot tell from no variance at all.
    varying = int((lengths > 1e-3 * lengths[0]).sum())
    if varying < components:
        raise ValueError(
            f"the features vary in {varying} directions, too few for {components} components; "
            "ask for fewer"
        )
    return Whitening(mean, vectors * (np.sqrt(n - 1) / lengths)[None], share)


@partial(jax.jit, static_argnames="components")
def _principal_components(features, components):
    """Mean, lengths along directions [dims, components], these, and their share of the variance."""
    n, dims = features.shape
    mean = features.mean(axis=0)
    # Once more: the mean of many large numbers is a little off.
    mean = mean + (features - mean[None]).mean(axis=0)
    centred = features - mean[None]
    # Squares of about 1, whatever the features' unit.
    largest = jnp.abs(centred).max()
    unit = jnp.where(largest > 0, largest, 1)
    centred = centred / unit
    # Eigenvalues are all as rough as the largest; sums of squares along a direction are not.
    if dims <= n:
        vectors = jnp.linalg.eigh(_product(centred.T, centred))[1][:, ::-1][:, :components]
        squares = jnp.square(_product(centred, vectors)).sum(axis=0)
    else:
        combinations = jnp.linalg.eigh(_product(centred, centred.T))[1]
        vectors = _product(centred.T, combinations[:, ::-1][:, :components])
        squares = jnp.square(vectors).sum(axis=0)
        vectors = l2_normalised(vectors.T).T
    largest = jnp.take_along_axis(vectors, jnp.abs(vectors).argmax(axis=0)[None], axis=0)
    share = squares.sum() / jnp.square(centred).sum()
    return mean, jnp.sqrt(squares) * unit, vectors * jnp.sign(largest), share


def whiten(whitening: Whitening, features: jax.Array) -> jax.Array:
    """Map features [n, dims] to [n, components]."""
    return _product(features - whitening.mean[None], whitening.projection)


def nearest(
    queries: np.ndarray, gallery: np.ndarray, k: int, *, chunk: int = 2048
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` rows of the gallery with the largest cosine to each query, by exact search.

    At most `chunk` queries and `chunk` rows of the gallery are on the device at a time, with the
    cosines between them, so that a memory-mapped gallery may be larger than memory.

    Args:
      queries: [q, dims].
      gallery: [n, dims].
      k: neighbours a query; n ranks the whole gallery.
      chunk: rows on the device at a time.

    Returns:
      Positions in the gallery [q, k] int32 and cosines [q, k] float32, nearest first, the one of
      the lower position first among equals. The cosine with a row of zeros is 0.

    Raises:
      ValueError: if the shapes do not fit, `k` is not 1 to n, or a feature is NaN or infinite.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"queries {queries.shape} and gallery {gallery.shape}; expected [q, dims] and [n, dims]"
        )
    if not 1 <= k <= len(gallery):
        raise ValueError(f"k is {k}; expected 1 to the gallery's {len(gallery):,} rows")
    size = min(chunk, max(len(queries), len(gallery)))
    positions, cosines = [], []
    for first in range(0, len(queries), size):
        asked = _rows(queries, first, min(size, len(queries)), "queries")
        best = (
            jnp.full((len(asked), k), -jnp.inf, jnp.float32),
            jnp.zeros((len(asked), k), jnp.int32),
        )
        for start in range(0, len(gallery), size):
            block = _rows(gallery, start, min(size, len(gallery)), "gallery")
            best = _merge(best, asked, block, start, len(gallery))
        found, where = jax.device_get(best)
        cosines.append(found)
        positions.append(where)
    count = len(queries)
    return np.concatenate(positions)[:count], np.concatenate(cosines)[:count]


@jax.jit
def _merge(best, queries, block, start, total):
    """The best of those found before and of a block of the gallery that begins at `start`."""
    found, where = best
    cosines = _product(l2_normalised(queries), l2_normalised(block).T)
    numbers = start + jnp.arange(len(block), dtype=jnp.int32)[None]
    # What fills up the last block is nobody's neighbour.
    cosines = jnp.where(numbers < total, cosines, -jnp.inf)
    # top_k prefers the first of equals: those found before come first, and they have the lower
    # positions.
    found, columns = jax.lax.top_k(jnp.concatenate([found, cosines], axis=1), found.shape[1])
    numbers = jnp.broadcast_to(numbers, cosines.shape)
    where = jnp.take_along_axis(jnp.concatenate([where, numbers], axis=1), columns, axis=1)
    return found, where


# Accelerators round the factors of a float32 product unless they are told not to.
_product = partial(jnp.matmul, precision="highest")


def _rows(features: np.ndarray, start: int, size: int, name: str) -> np.ndarray:
    """Rows from `start`, filled up by zeros to `size`, as float32."""
    with np.errstate(over="ignore"):  # what float32 does not hold becomes infinity
        rows = np.asarray(features[start : start + size], np.float32)
    require_finite(rows, name=name, first=start)
    return np.pad(rows, ((0, size - len(rows)), (0, 0)))
