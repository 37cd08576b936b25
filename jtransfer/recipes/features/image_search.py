"""Search by frozen features: which images of a gallery are nearest to a query, and are they right?

Follows Sharif Razavian et al. (CVPR workshops 2014, "CNN features off-the-shelf", section 4):
cosines between the features as they are, and after PCA-whitening and a signed power. An image is
right if it is of the query's class.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from jtransfer.data.splits import per_class_split
from jtransfer.measure.ranking import mean_average_precision, recall_at_k
from jtransfer.recipes.features.labelled_rows import labelled_rows
from jtransfer.train.evaluation import map_batches
from jtransfer.transfer.features.retrieval import (
    fit_whitening,
    l2_normalised,
    nearest,
    signed_power,
    whiten,
)

RECALLS = (1, 5, 10)
PLAIN, WHITENED, POWERED = "cosine", "PCA-whitened", "and signed power"


@dataclass(frozen=True, eq=False)
class Search:
    """What was found, and how right it is.

    Attributes:
      queries: [q] rows of the features that asked.
      found: for each representation [q, n] rows of the others, the gallery, nearest first.
      measured: for each representation {"mAP", "recall@1", ...}, see `judge`.
    """

    queries: np.ndarray
    found: dict[str, np.ndarray]
    measured: dict[str, dict[str, float]]


def search(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    classes: Sequence[str],
    queries: int = 5,
    components: int = 500,
    power: float = 2.0,
    seed: int = 0,
    present: np.ndarray | None = None,
) -> Search:
    """Let some images of every class be queries, and rank all others for each.

    Args:
      features: [n, dims].
      labels: [n] integers, positions in `classes`.
      classes: their names.
      queries: images a class that are queries, drawn at random.
      components: of the PCA, fitted to the gallery.
      power: of the signed power.
      seed: of the choice of the queries.
      present: [n] bool, as `Features.present`: rows that are False are neither queries nor
        gallery. None for all.

    Raises:
      DataError: if a class has too few images.
      ValueError: if features or labels cannot be used, or the features do not vary in as many
        directions as there are components.
    """
    rows, labels = labelled_rows(features, labels, classes=len(classes), present=present)
    split = per_class_split(labels, train=queries, seed=seed, classes=classes)
    (asking, gallery), (of_asking, of_gallery) = (
        [each[part] for part in split] for each in (rows, labels)
    )
    asked, there = features[asking], features[gallery]
    found, measured = {}, {}
    for name, prepare in representations(there, components=components, power=power).items():
        began = time.perf_counter()
        ranking, _ = nearest(map_batches(prepare, asked), map_batches(prepare, there), k=len(there))
        seconds = time.perf_counter() - began
        found[name] = gallery[ranking]
        measured[name] = judge(ranking, of_asking, of_gallery)
        print(f"{name}: {len(asking):,} queries searched in {seconds:.1f} s", flush=True)
    return Search(asking, found, measured)


def representations(
    gallery: np.ndarray, *, components: int, power: float
) -> dict[str, Callable[[jax.Array], jax.Array]]:
    """How a batch of features [n, dims] is prepared, by name; fitted to the gallery.

    Raises:
      ValueError: as `fit_whitening`.
    """
    began = time.perf_counter()
    whitening = fit_whitening(map_batches(jax.jit(l2_normalised), gallery), components)
    print(
        f"PCA to {components} components with {float(whitening.share):.1%} of the variance, "
        f"fitted in {time.perf_counter() - began:.1f} s"
    )

    def whitened(features: jax.Array) -> jax.Array:
        return l2_normalised(whiten(whitening, l2_normalised(features)))

    def powered(features: jax.Array) -> jax.Array:
        return signed_power(whitened(features), power)

    return {PLAIN: l2_normalised, WHITENED: jax.jit(whitened), POWERED: jax.jit(powered)}


def judge(ranking: np.ndarray, queries: np.ndarray, gallery: np.ndarray) -> dict[str, float]:
    """Mean average precision of a ranking, and recall at 1, 5 and 10 as far as there are as many.

    Args:
      ranking: [q, n] positions in the gallery, nearest first.
      queries: [q] labels.
      gallery: [n] labels.
    """
    recalls = {
        f"recall@{k}": recall_at_k(ranking, queries, gallery, k)
        for k in RECALLS
        if k <= len(gallery)
    }
    return {"mAP": mean_average_precision(ranking, queries, gallery), **recalls}
