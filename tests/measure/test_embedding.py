import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from jtransfer.measure.embedding import Embedding, project


def two_clusters(per_class=10, width=6, *, shift=0.0):
    """Two far classes; the target's are `shift` away from the source's."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], per_class)
    source, target = (
        rng.normal(size=(2 * per_class, width)) + 30 * labels[:, None] for _ in range(2)
    )
    return Embedding(source, target + shift, labels, labels)


def test_points_that_lie_together_stay_together():
    plane = project(two_clusters())
    assert plane.source_features.shape == plane.target_features.shape == (20, 2)
    assert np.isfinite(plane.source_features).all()
    # Another library's classifier finds the target's classes by their source neighbours.
    neighbours = KNeighborsClassifier(3).fit(plane.source_features, plane.source_labels)
    assert neighbours.score(plane.target_features, plane.target_labels) == 1


def test_a_seed_gives_one_picture_and_the_limit_holds():
    clusters = two_clusters()
    first, second = project(clusters, seed=1, limit=8), project(clusters, seed=1, limit=8)
    np.testing.assert_array_equal(first.source_features, second.source_features)
    assert first.target_features.shape == (8, 2)


def test_labels_stay_with_their_examples():
    order = np.random.default_rng(1).permutation(60)
    clusters = two_clusters(30)
    features = np.asarray(clusters.source_features)[order]
    labels = np.asarray(clusters.source_labels)[order]
    kept = project(Embedding(features, features, labels, labels), limit=20)
    assert 0 < np.sum(kept.source_labels) < 20
    neighbours = KNeighborsClassifier(3).fit(kept.source_features, kept.source_labels)
    assert neighbours.score(kept.target_features, kept.target_labels) == 1


@pytest.mark.parametrize(
    ("source", "target", "labels", "says"),
    [
        (
            np.zeros((3, 2, 2)),
            np.zeros((3, 2)),
            np.zeros(3),
            r"source_features have shape \(3, 2, 2\)",
        ),
        (np.zeros((3, 2)), np.zeros((0, 2)), np.zeros(3), r"target_features have shape \(0, 2\)"),
        (np.zeros((3, 2)), np.zeros((3, 4)), np.zeros(3), "have 2 columns and target_features 4"),
        (
            np.zeros((3, 2)),
            np.zeros((3, 2)),
            np.zeros(2),
            r"source_labels .*\(2,\), expected \(3,\)",
        ),
    ],
)
def test_shapes_are_checked_at_the_door(source, target, labels, says):
    with pytest.raises(ValueError, match=says):
        Embedding(source, target, labels, np.zeros(len(target)))


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (np.ones((5, 3)), "the net has collapsed"),
        (np.full((5, 3), np.inf), "not finite"),
        (np.arange(5.0)[:, None], "10 examples with 1 features, expected at least 4 with 2"),
        (np.eye(1, 3), "2 examples with 3 features"),
    ],
)
def test_features_that_make_no_picture(features, says):
    labels = np.zeros(len(features), int)
    with pytest.raises(ValueError, match=says):
        project(Embedding(features, features, labels, labels))
