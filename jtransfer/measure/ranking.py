"""How good a ranking of a gallery is for queries: mean average precision and recall at k."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mean_average_precision(
    neighbours: ArrayLike,
    query_labels: ArrayLike,
    gallery_labels: ArrayLike,
    *,
    own: ArrayLike | None = None,
) -> float:
    """Mean over the queries of the average precision of their rankings.

    The average precision of a query is the mean, over the examples of its class in the gallery, of
    the precision among all that are ranked up to this one; an example that is not ranked at all
    counts as precision 0. It is scikit-learn's `average_precision_score`; the landmark benchmarks'
    own programs (Oxford, Paris) average the precision before and at each such rank, which differs
    a little.

    Args:
      neighbours: positions in the gallery, nearest first, [queries, k] integers; k as large as the
        gallery for the whole ranking.
      query_labels: class of each query, [queries] integers.
      gallery_labels: class of each example of the gallery, [n] integers.
      own: position of each query itself in the gallery, [queries], which is then left out of the
        ranking; None if the queries are not in the gallery.

    Returns:
      A number between 0 and 1.

    Raises:
      ValueError: if the arrays do not fit, a ranking names an example twice, or the gallery has no
        example of a query's class.
    """
    precisions = []
    for hits, expected in _rankings(neighbours, query_labels, gallery_labels, own):
        ranks = np.flatnonzero(hits) + 1
        precisions.append((np.arange(1, len(ranks) + 1) / ranks).sum() / expected)
    return float(np.mean(precisions))


def recall_at_k(
    neighbours: ArrayLike,
    query_labels: ArrayLike,
    gallery_labels: ArrayLike,
    k: int,
    *,
    own: ArrayLike | None = None,
) -> float:
    """Share of the queries that have an example of their class among the first `k` neighbours.

    This is recall@k as metric learning uses it (Oh Song et al. 2016, section 6), not the share of
    the relevant examples that are found.

    Args:
      neighbours: as for `mean_average_precision`, at least k of them (k + 1 with `own`).
      query_labels: class of each query, [queries] integers.
      gallery_labels: class of each example of the gallery, [n] integers.
      k: how many neighbours count.
      own: as for `mean_average_precision`.

    Returns:
      A number between 0 and 1.

    Raises:
      ValueError: as `mean_average_precision`, or if fewer than k neighbours are given.
    """
    given = np.shape(neighbours)[-1] - (own is not None)
    if not 1 <= k <= given:
        raise ValueError(
            f"recall at k={k} of {given} neighbours a query; expected k from 1 to {given}, rank "
            "more neighbours"
        )
    rankings = _rankings(neighbours, query_labels, gallery_labels, own)
    return float(np.mean([hits[:k].any() for hits, _ in rankings]))


def _rankings(
    neighbours: ArrayLike,
    query_labels: ArrayLike,
    gallery_labels: ArrayLike,
    own: ArrayLike | None,
) -> Iterator[tuple[NDArray[np.bool_], int]]:
    """For each query: which ranks are of its class, and how many examples of it there are."""
    order, wanted, there = (np.asarray(x) for x in (neighbours, query_labels, gallery_labels))
    itself = None if own is None else np.asarray(own)
    _check_shapes(order, wanted, there, itself)
    for query, (ranking, label) in enumerate(zip(order, wanted, strict=True)):
        if len(np.unique(ranking)) < len(ranking):
            raise ValueError(f"the ranking of query {query} names an example twice")
        expected = int((there == label).sum())
        if itself is not None:
            expected -= int(there[itself[query]] == label)
            ranking = ranking[ranking != itself[query]]
        if not expected:
            raise ValueError(
                f"the gallery has no example of class {label}, that of query {query}; expected at "
                "least one. Leave this query out or add examples of its class"
            )
        yield there[ranking] == label, expected


def _check_shapes(order: NDArray, wanted: NDArray, there: NDArray, itself: NDArray | None) -> None:
    if order.ndim != 2 or wanted.shape != order.shape[:1] or there.ndim != 1 or not order.size:
        raise ValueError(
            f"neighbours {order.shape}, query labels {wanted.shape} and gallery labels "
            f"{there.shape}; expected [queries, k], [queries] and [n], none of them empty"
        )
    if itself is not None and itself.shape != wanted.shape:
        raise ValueError(f"own positions {itself.shape}; expected one a query, {wanted.shape}")
    for name, values in (("neighbours", order), ("own positions", itself)):
        if values is not None and (values.min() < 0 or values.max() >= len(there)):
            raise ValueError(
                f"{name} run from {values.min()} to {values.max()}; expected positions in the "
                f"gallery, 0 to {len(there) - 1}"
            )
