import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.recipes.features.image_search import PLAIN, judge, search

CLASSES = ("a", "b", "c")


def features_and_labels(each=6, dims=8):
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), each)
    features = random.normal(size=(3, dims))[labels] + random.normal(size=(3 * each, dims))
    return features.astype(np.float32), labels


def test_scores_of_a_ranking_by_hand():
    # Right at ranks 2 and 6.
    ranking, gallery = np.arange(6)[None], np.array([1, 0, 1, 1, 1, 0])
    scores = judge(ranking, np.array([0]), gallery)
    assert scores == {"mAP": pytest.approx((1 / 2 + 2 / 6) / 2), "recall@1": 0, "recall@5": 1}


def test_the_ranking_is_that_of_the_cosines():
    features, labels = features_and_labels()
    result = search(features, labels, classes=CLASSES, queries=2, components=3)
    assert np.bincount(labels[result.queries]).tolist() == [2, 2, 2]
    gallery = np.setdiff1d(np.arange(18), result.queries)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    order = np.argsort(-unit[result.queries] @ unit[gallery].T, axis=1)
    np.testing.assert_array_equal(result.found[PLAIN], gallery[order])
    right = labels[result.found[PLAIN][:, 0]] == labels[result.queries]
    assert result.measured[PLAIN]["recall@1"] == pytest.approx(right.mean())


def test_what_is_absent_neither_asks_nor_is_found():
    features, labels = features_and_labels()
    present = np.ones(18, bool)
    present[[0, 7]] = False
    given = np.where(present[:, None], features, np.nan)
    result = search(given, labels, classes=CLASSES, queries=2, components=3, present=present)
    for found in result.found.values():
        seen = np.concatenate([result.queries, found[0]])
        np.testing.assert_array_equal(np.sort(seen), np.flatnonzero(present))
    alone = search(features[present], labels[present], classes=CLASSES, queries=2, components=3)
    assert result.measured == alone.measured


def test_classes_with_too_few_images_are_named():
    features, labels = features_and_labels(each=2)
    with pytest.raises(DataError, match=r"a.*b.*c"):
        search(features, labels, classes=CLASSES, queries=2, components=3)
