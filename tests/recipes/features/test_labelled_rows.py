import numpy as np
import pytest

from jtransfer.recipes.features.episodes import solve_episodes
from jtransfer.recipes.features.image_search import search
from jtransfer.recipes.features.labelled_rows import labelled_rows
from jtransfer.recipes.features.layer_probe import Protocol, probe_layer

FEATURES, LABELS, CLASSES = np.ones((6, 2)), np.array([0, 1, 2, 0, 1, 2]), ("a", "b", "c")
MEASURES = {
    "probe": lambda features, labels: probe_layer(
        features,
        labels,
        classes=CLASSES,
        kind="svm",
        protocol=Protocol(train=1, folds=1, inner_folds=1),
    ),
    "search": lambda features, labels: search(
        features, labels, classes=CLASSES, queries=1, components=1
    ),
    "episodes": lambda features, labels: solve_episodes(
        features, labels, ways=2, shots=(1,), queries=1, episodes=2
    ),
}


def test_rows_that_are_present_and_their_labels():
    present = np.array([True, False, True, True, False, True])
    rows, labels = labelled_rows(FEATURES, LABELS, present=present)
    assert (rows.tolist(), labels.tolist()) == ([0, 2, 3, 5], [0, 2, 0, 2])
    rows, labels = labelled_rows(FEATURES, LABELS)
    assert (rows.tolist(), labels.tolist()) == (list(range(6)), LABELS.tolist())


@pytest.mark.parametrize("measure", MEASURES)
def test_features_of_other_images_than_the_labels_are_refused(measure):
    for rows in (4, 9):
        with pytest.raises(ValueError, match=rf"features \({rows}, 2\) and 6 labels; expected"):
            MEASURES[measure](np.ones((rows, 2)), LABELS)
    with pytest.raises(ValueError, match=r"features \(6, 1, 2\) and 6 labels"):
        MEASURES[measure](np.ones((6, 1, 2)), LABELS)


@pytest.mark.parametrize("measure", MEASURES)
def test_labels_that_are_no_class_numbers_are_refused(measure):
    with pytest.raises(ValueError, match=r"labels are <U1.*np\.unique"):
        MEASURES[measure](FEATURES, np.array(CLASSES)[LABELS])
    with pytest.raises(ValueError, match=r"labels of shape \(6, 3\); expected \[n\]"):
        MEASURES[measure](FEATURES, np.eye(3, dtype=int)[LABELS])


def test_a_label_without_a_class_is_refused():
    with pytest.raises(ValueError, match="expected numbers from 0 to 2"):
        labelled_rows(FEATURES, LABELS + 1, classes=3)


def test_what_does_not_say_of_each_row_whether_it_is_present():
    with pytest.raises(ValueError, match=r"present is bool of shape \(4,\); expected bool \[6\]"):
        labelled_rows(FEATURES, LABELS, present=np.ones(4, bool))
    with pytest.raises(ValueError, match="present is int64"):
        labelled_rows(FEATURES, LABELS, present=np.arange(6))
