import numpy as np
import pytest

from jtransfer.measure.label_doubt import doubt_labels


def test_by_hand():
    """t = ((.9 + .6 + .1) / 3, (.8 + .6) / 2) = (.533, .7)."""
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.2, 0.8], [0.4, 0.6]])
    doubt = doubt_labels(probabilities, np.array([0, 0, 0, 1, 1]))
    np.testing.assert_allclose(doubt.thresholds, [1.6 / 3, 0.7])
    assert doubt.suspects.tolist() == [2]
    np.testing.assert_allclose(doubt.margins, [0.8, 0.2, -0.8, 0.6, 0.2])
    assert doubt.guesses.tolist() == [0, 0, 1, 1, 1]
    assert doubt.order().tolist() == [2, 1, 4, 3, 0]


def test_what_is_below_every_threshold_is_no_suspect():
    """The last one is likelier of class 1, and less so than what class 1 is used to."""
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.4, 0.6]])
    doubt = doubt_labels(probabilities, np.array([0, 0, 1, 1, 0]))
    assert doubt.suspects.tolist() == []
    assert doubt.order()[0] == 4


def drawn(n: int = 600, classes: int = 5):
    random = np.random.default_rng(0)
    true = random.integers(0, classes, n)
    logits = random.normal(size=(n, classes)) + 3 * np.eye(classes)[true]
    labels = np.where(random.random(n) < 0.1, random.integers(0, classes, n), true)
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), labels


def test_suspects_are_those_of_cleanlab():
    filtering = pytest.importorskip("cleanlab.filter")
    probabilities, labels = drawn()
    theirs = filtering.find_label_issues(
        labels,
        probabilities,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        n_jobs=1,
    )
    ours = doubt_labels(probabilities, labels)
    assert len(theirs) > 20
    assert sorted(ours.suspects) == sorted(theirs)
    np.testing.assert_allclose(ours.margins[ours.suspects], ours.margins[theirs])


def test_a_class_without_examples_has_no_suspects():
    probabilities, labels = drawn(classes=3)
    labels = np.minimum(labels, 1)
    doubt = doubt_labels(probabilities, labels)
    assert np.isnan(doubt.thresholds[2])
    assert 2 not in doubt.guesses[doubt.suspects]


@pytest.mark.parametrize(
    ("probabilities", "labels", "says"),
    [
        (np.zeros((2, 3)), np.zeros(3, int), r"\(2, 3\) and labels \(3,\); expected"),
        (np.zeros((0, 3)), np.zeros(0, int), "at least one"),
        (np.full((2, 3), np.nan), np.zeros(2, int), "no number; expected 0 to 1"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities, labels, says):
    with pytest.raises(ValueError, match=says):
        doubt_labels(probabilities, labels)
