"""Few-shot classification on frozen features: N-way K-shot episodes, thousands in one program.

An episode draws N classes, K images of each to learn from (the support) and others to tell (the
queries). Every classifier here is linear in the features and closed in form.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jtransfer.labels import class_numbers
from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import product
from jtransfer.transfer.features.retrieval import l2_normalised

_TOGETHER = 32  # episodes solved side by side, which bounds the memory


class LinearRule(NamedTuple):
    """Scores `(features - centre) @ weights + bias`: [dims, ways], [ways] and [1, dims] or 0."""

    weights: jax.Array
    bias: jax.Array
    centre: jax.Array | float = 0.0

    def predict(self, features: jax.Array) -> jax.Array:
        """Classes [n] of features [n, dims].

        Raises:
          ValueError: naming a row of the features that is not finite.
        """
        require_finite(features)
        return (product(features - self.centre, self.weights) + self.bias[None]).argmax(axis=-1)


def fit_nearest_mean(support: jax.Array) -> LinearRule:
    """The class whose mean is nearest (Snell et al. 2017, "Prototypical networks", eq. 2).

    -|x - m|^2 is 2 x m - |m|^2 but for what all classes share. Both are taken from the middle of
    the means, lest what all features have in common leave nothing but rounding.

    Args:
      support: [ways, shots, dims].

    Raises:
      ValueError: if it is not, or naming an image of it that is not finite.
    """
    means = _checked(support).mean(axis=1)
    centre = means.mean(axis=0, keepdims=True)
    means = means - centre
    return LinearRule(2 * means.T, -(means**2).sum(axis=1), centre)


def fit_cosine(support: jax.Array) -> LinearRule:
    """The class whose mean has the largest cosine; all else as for `fit_nearest_mean`."""
    means = _checked(support).mean(axis=1)
    return LinearRule(l2_normalised(means).T, jnp.zeros(len(means)))


def fit_ridge_rule(support: jax.Array, *, penalty: float = 1.0) -> LinearRule:
    """Ridge regression on the classes, W = X^T (X X^T + penalty I)^-1 Y (Bertinetto et al. 2019).

    Their equation 6, "Meta-learning with differentiable closed-form solvers", in the space of the
    ways x shots examples, or in that of the features if it is the smaller one. The penalty suits
    features of length 1; all else as for `fit_nearest_mean`.
    """
    support = _checked(support)
    ways, shots, dims = support.shape
    examples = support.reshape(ways * shots, dims)
    targets = jnp.repeat(jnp.eye(ways), shots, axis=0)
    wide = dims >= len(examples)
    gram = product(examples, examples.T) if wide else product(examples.T, examples)
    # A penalty below the rounding of the products would leave repeated images without a solution.
    exact = jnp.finfo(gram.dtype)
    least = jnp.maximum(2 * exact.eps * jnp.trace(gram), exact.tiny)
    penalised = gram + jnp.maximum(penalty, least) * jnp.eye(len(gram))
    solve = partial(jax.scipy.linalg.solve, penalised, assume_a="pos")
    weights = product(examples.T, solve(targets)) if wide else solve(product(examples.T, targets))
    return LinearRule(weights, jnp.zeros(ways))


def _checked(support: jax.Array | np.ndarray) -> jax.Array:
    """The support as float32, which must be [ways, shots, dims] and finite."""
    if np.ndim(support) != 3:
        raise ValueError(f"support {np.shape(support)}; expected [ways, shots, dims]")
    support = support if isinstance(support, jax.Array) else np.asarray(support)
    require_finite(support.reshape(-1, support.shape[2]), name="support, way by way,")
    return jnp.asarray(support, jnp.float32)


def draw_episodes(
    labels: np.ndarray, *, ways: int, shots: int, queries: int, episodes: int, seed: int
) -> jax.Array:
    """Positions of each episode's images: [episodes, ways, shots + queries] int32.

    Classes of an episode differ, and so do a class's images, the first `shots` its support. All
    episodes are drawn in one compiled program.

    Args:
      labels: [n] integers.
      ways: classes an episode.
      shots: support images a class.
      queries: query images a class.
      episodes: how many to draw.
      seed: of the draw.

    Raises:
      ValueError: if labels are no class numbers, there are too few classes, or naming a class with
        too few images.
    """
    if min(ways, shots, queries, episodes) < 1:
        raise ValueError(
            f"{ways} ways, {shots} shots, {queries} queries, {episodes} episodes; expected at "
            "least 1 of each"
        )
    labels = class_numbers(labels)
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < ways:
        raise ValueError(f"{len(classes)} classes for {ways} ways; expected at least as many")
    each = shots + queries
    if counts.min() < each:
        raise ValueError(
            f"class {classes[counts.argmin()]} has {counts.min()} images for {shots} shots and "
            f"{queries} queries; expected at least {each}. Leave it out, or ask for fewer"
        )
    members = np.zeros((len(classes), counts.max()), np.int32)
    for row, label, count in zip(members, classes, counts, strict=True):
        row[:count] = np.flatnonzero(labels == label)
    keys = jax.random.split(jax.random.key(seed), episodes)
    return _draw(keys, jnp.asarray(members), jnp.asarray(counts), ways, each)


@partial(jax.jit, static_argnums=(3, 4))
def _draw(keys, members, counts, ways, each):
    def episode(key):
        of_classes, of_images = jax.random.split(key)
        chosen = jax.random.permutation(of_classes, len(members))[:ways]
        # The highest of random numbers are a draw without replacement; -1 where there is no image.
        heights = jax.random.uniform(of_images, (ways, members.shape[1]))
        there = jnp.arange(members.shape[1])[None] < counts[chosen][:, None]
        _, places = lax.top_k(jnp.where(there, heights, -1.0), each)
        return members[chosen[:, None], places]

    return lax.map(episode, keys, batch_size=_TOGETHER)


def episode_accuracies(
    features: np.ndarray | jax.Array,
    episodes: np.ndarray | jax.Array,
    *,
    shots: int,
    fit: Callable[[jax.Array], LinearRule],
) -> np.ndarray:
    """Share of right queries in every episode, all solved in one compiled program: [episodes].

    Args:
      features: [n, dims] float32.
      episodes: from `draw_episodes`.
      shots: support images a class.
      fit: such as `fit_nearest_mean`.

    Raises:
      ValueError: if the features are no [n, dims], or naming a row of them that is not finite; if
        the episodes are of other features, or have no query.
    """
    require_finite(features)
    _require_positions(np.asarray(episodes), len(features), shots)
    return np.asarray(
        _accuracies(jnp.asarray(features, jnp.float32), jnp.asarray(episodes), shots, fit)
    )


def _require_positions(episodes: np.ndarray, rows: int, shots: int) -> None:
    """Check that episodes name rows that are there: XLA would take the last one for any other."""
    if episodes.ndim != 3 or not episodes.size or not np.issubdtype(episodes.dtype, np.integer):
        raise ValueError(
            f"episodes {episodes.shape} of {episodes.dtype}; expected [episodes, ways, images] "
            "integers, at least one of each"
        )
    if not 1 <= shots < episodes.shape[2]:
        raise ValueError(
            f"{shots} shots of {episodes.shape[2]} images a class; expected at least 1 shot and "
            "one image more. Give the number of shots that the episodes were drawn for"
        )
    low, high = episodes.min(), episodes.max()
    if low < 0 or high >= rows:
        raise ValueError(
            f"episodes with positions from {low} to {high} in {rows:,} rows of features; expected "
            f"0 to {rows - 1}. Draw them from the labels of these features"
        )


@partial(jax.jit, static_argnums=(2, 3))
def _accuracies(features, episodes, shots, fit):
    def accuracy(positions):
        images = features[positions]
        ways, _, dims = images.shape
        queries = images[:, shots:]
        guesses = fit(images[:, :shots]).predict(queries.reshape(-1, dims))
        return (guesses == jnp.repeat(jnp.arange(ways), queries.shape[1])).mean()

    return lax.map(accuracy, episodes, batch_size=_TOGETHER)


def interval(accuracies: np.ndarray) -> tuple[float, float]:
    """Mean over episodes, and half the width of its 95% interval, 1.96 standard errors.

    Raises:
      ValueError: if there are fewer than two episodes.
    """
    if len(accuracies) < 2:
        raise ValueError(f"{len(accuracies)} episodes; expected at least 2 for an interval")
    values = np.asarray(accuracies, np.float64)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(1.96 * error)
