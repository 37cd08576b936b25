import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from jtransfer.measure.ranking import mean_average_precision, recall_at_k

# Positions 0 ... 5 of the gallery.
GALLERY = [0, 1, 0, 1, 2, 0]
QUERIES = [0, 1]
# Classes in order of rank: 0 1 0 1 2 0, and 0 0 1 2 1 0.
NEIGHBOURS = [[0, 1, 2, 3, 4, 5], [0, 2, 1, 4, 3, 5]]


def test_mean_average_precision_by_hand():
    # Right at ranks 1, 3, 6 and at ranks 3, 5.
    first, second = (1 / 1 + 2 / 3 + 3 / 6) / 3, (1 / 3 + 2 / 5) / 2
    expected = (first + second) / 2
    assert mean_average_precision(NEIGHBOURS, QUERIES, GALLERY) == pytest.approx(expected)


def test_what_is_not_ranked_counts_as_not_found():
    cut = [ranking[:3] for ranking in NEIGHBOURS]
    first, second = (1 / 1 + 2 / 3) / 3, (1 / 3) / 2
    expected = (first + second) / 2
    assert mean_average_precision(cut, QUERIES, GALLERY) == pytest.approx(expected)


def test_the_query_itself_is_left_out():
    # Position 0 is the first query, 3 the second: right at ranks 2, 5 of 1 0 1 2 0, and at 3 of
    # 0 0 1 2 0.
    first, second = (1 / 2 + 2 / 5) / 2, 1 / 3
    expected = (first + second) / 2
    found = mean_average_precision(NEIGHBOURS, QUERIES, GALLERY, own=[0, 3])
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.5), (2, 0.5), (3, 1.0), (6, 1.0)])
def test_recall_by_hand(k, expected):
    assert recall_at_k(NEIGHBOURS, QUERIES, GALLERY, k) == expected


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 0.5), (3, 1.0)])
def test_recall_without_the_query_itself(k, expected):
    assert recall_at_k(NEIGHBOURS, QUERIES, GALLERY, k, own=[0, 3]) == expected


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_scikit_learns(seed):
    random = np.random.default_rng(seed)
    similarities = random.normal(size=(20, 60))
    gallery, queries = random.integers(0, 4, 60), random.integers(0, 4, 20)
    order = np.argsort(-similarities, axis=1)
    expected = np.mean(
        [
            average_precision_score(gallery == label, scores)
            for label, scores in zip(queries, similarities, strict=True)
        ]
    )
    assert mean_average_precision(order, queries, gallery) == pytest.approx(expected)

    # The same where the gallery is the queries: each is its own nearest, and left out.
    own = np.arange(20)
    itself = similarities[:, :20] + 1000 * np.eye(20)
    labels = np.arange(20) % 4
    expected = np.mean(
        [
            average_precision_score(np.delete(labels == labels[i], i), np.delete(itself[i], i))
            for i in own
        ]
    )
    found = mean_average_precision(np.argsort(-itself, axis=1), labels, labels, own=own)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("neighbours", "queries", "gallery", "own", "says"),
    [
        ([[0, 1]], [0, 1], [0, 1], None, r"neighbours \(1, 2\), query labels \(2,\)"),
        ([0, 1], [0, 1], [0, 1], None, r"neighbours \(2,\)"),
        (np.zeros((0, 2), int), [], [0, 1], None, "none of them empty"),
        ([[0, 2]], [0], [0, 1], None, "neighbours run from 0 to 2; expected positions .* 0 to 1"),
        ([[0, -1]], [0], [0, 1], None, "neighbours run from -1 to 0"),
        ([[0, 0]], [0], [0, 1], None, "ranking of query 0 names an example twice"),
        ([[0, 1], [1, 0]], [0, 5], [0, 1], None, "no example of class 5, that of query 1"),
        ([[0, 1]], [0], [0, 1], [0], "no example of class 0, that of query 0"),
        ([[0, 1]], [0], [0, 1], [2], "own positions run from 2 to 2"),
        ([[0, 1]], [0], [0, 1], [0, 1], r"own positions \(2,\); expected one a query, \(1,\)"),
    ],
)
def test_what_is_no_ranking(neighbours, queries, gallery, own, says):
    with pytest.raises(ValueError, match=says):
        mean_average_precision(neighbours, queries, gallery, own=own)
    with pytest.raises(ValueError, match=says):
        recall_at_k(neighbours, queries, gallery, 1, own=own)


@pytest.mark.parametrize(("k", "own"), [(0, None), (7, None), (6, [0, 3])])
def test_recall_beyond_what_is_ranked(k, own):
    with pytest.raises(ValueError, match=f"recall at k={k} of {6 - bool(own)} neighbours"):
        recall_at_k(NEIGHBOURS, QUERIES, GALLERY, k, own=own)
