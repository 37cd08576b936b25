import numpy as np
import pytest

from jtransfer.recipes.features.episodes import CLASSIFIERS, solve_episodes

HOW = {"ways": 2, "shots": (1,), "queries": 2, "episodes": 8}


def test_classes_apart_are_told_by_every_classifier():
    labels = np.repeat(np.arange(3), 5)
    measured = solve_episodes(np.eye(3)[labels], labels, **HOW)["measured"]
    assert measured == {name: {"1": [1.0, 0.0]} for name in CLASSIFIERS}


def test_lengths_of_features_do_not_matter():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 5)
    features = np.eye(3)[labels] + random.normal(size=(15, 3))
    lengths = 2.0 ** random.integers(-3, 9, size=(15, 1))
    one, other = (solve_episodes(each, labels, **HOW) for each in (features, lengths * features))
    assert one["measured"] == other["measured"]
    assert 0.5 < one["measured"]["ridge"]["1"][0] < 1  # there is something to differ in


def test_a_class_with_too_few_images_is_named():
    labels = np.array([0, 0, 0, 0, 0, 7, 7])
    with pytest.raises(ValueError, match="class 7 has 2 images for 1 shots and 2 queries"):
        solve_episodes(np.ones((7, 3)), labels, **HOW)


def test_without_shots_nothing_is_measured():
    with pytest.raises(ValueError, match="no number of shots; expected at least one"):
        solve_episodes(np.ones((4, 3)), np.array([0, 0, 1, 1]), shots=())
