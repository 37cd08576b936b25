import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as oracle

from jtransfer.measure.metrics import (
    accuracy,
    confusion_matrix,
    gap_closed,
    mean_per_class_accuracy,
)

CLASSES = 5
# Six of class 0 (five right), three of class 1 (one right), one of class 2 (wrong).
LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 0, 0, 0, 2, 1, 0, 0, 1])

pairs = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        *[arrays(np.int32, n, elements=st.integers(0, CLASSES - 1)) for _ in range(2)]
    )
)
shares = st.floats(0, 1).map(lambda value: round(value, 6))


def test_by_hand():
    assert accuracy(PREDICTIONS, LABELS) == 6 / 10
    assert mean_per_class_accuracy(PREDICTIONS, LABELS, 3) == pytest.approx((5 / 6 + 1 / 3 + 0) / 3)
    matrix = confusion_matrix(PREDICTIONS, LABELS, 3)
    np.testing.assert_array_equal(matrix, [[5, 0, 1], [2, 1, 0], [0, 1, 0]])
    assert matrix.dtype == np.int64


@given(pairs)
def test_accuracy_and_confusion_agree_with_scikit_learn(pair):
    predictions, labels = pair
    assert accuracy(predictions, labels) == pytest.approx(
        oracle.accuracy_score(labels, predictions)
    )
    np.testing.assert_array_equal(
        confusion_matrix(predictions, labels, CLASSES),
        oracle.confusion_matrix(labels, predictions, labels=range(CLASSES)),
    )


# scikit-learn warns of predicted classes that have no true example; its number is still right.
@pytest.mark.filterwarnings("ignore:y_pred contains classes:UserWarning")
@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
@given(pairs)
def test_mean_per_class_accuracy_agrees_with_scikit_learn(pair):
    predictions, labels = pair
    assert mean_per_class_accuracy(predictions, labels, CLASSES) == pytest.approx(
        oracle.balanced_accuracy_score(labels, predictions)
    )


def test_a_class_without_examples_is_left_out_of_the_mean():
    assert mean_per_class_accuracy([0, 0, 2], [0, 0, 2], 10) == 1
    # Where it is predicted another class has one wrong: 1/2 and 1, over two classes of three.
    assert mean_per_class_accuracy([0, 2, 1, 1], [0, 0, 1, 1], 3) == 0.75


@given(pairs)
def test_the_diagonal_holds_what_is_right(pair):
    predictions, labels = pair
    matrix = confusion_matrix(predictions, labels, CLASSES)
    assert matrix.sum() == len(labels)
    assert np.trace(matrix) / len(labels) == pytest.approx(accuracy(predictions, labels))


def test_large_counts_of_small_integers_do_not_overflow():
    labels = np.full(3, 200, np.uint8)
    assert confusion_matrix(labels, labels, 201)[200, 200] == 3


def test_gap_closed_of_the_paper():
    # Ganin and Lempitsky, ICML 2015, Table 1, MNIST to MNIST-M: "0.8149 (57.9%)".
    assert gap_closed(0.5749, 0.8149, 0.9891) == pytest.approx(0.579, abs=5e-4)
    assert gap_closed(50, 40, 100) == -0.2


@given(shares, shares, shares)
def test_gap_closed_is_0_at_source_and_1_at_target(source, method, target):
    if target <= source:
        with pytest.raises(ValueError, match="no gap to close"):
            gap_closed(source, method, target)
        return
    assert gap_closed(source, source, target) == 0
    assert gap_closed(source, target, target) == 1
    # It does not care for the unit.
    assert gap_closed(100 * source, 100 * method, 100 * target) == pytest.approx(
        gap_closed(source, method, target), rel=1e-6, abs=1e-6
    )


@pytest.mark.parametrize("place", range(3))
def test_gap_closed_of_a_failed_run(place):
    given_numbers = [0.5, 0.7, 0.9]
    given_numbers[place] = float("nan")
    name = ("source_only", "method", "target")[place]
    with pytest.raises(ValueError, match=f"{name} is nan, expected a finite accuracy"):
        gap_closed(*given_numbers)


@pytest.mark.parametrize(
    ("predictions", "labels", "says"),
    [
        ([0, 1], [0, 1, 1], "2 predictions for 3 labels"),
        ([[0.1, 0.9]], [1], r"predictions have shape \(1, 2\).*argmax"),
        ([0.0, 1.0], [0, 1], "predictions are float64, expected integers"),
        ([True], [1], "predictions are bool, expected integers"),
        ([], [], "predictions are empty"),
        (np.zeros(2, int), np.zeros((2, 1), int), r"labels have shape \(2, 1\)"),
    ],
)
def test_what_is_not_two_vectors_of_classes(predictions, labels, says):
    for metric in (
        accuracy,
        lambda p, y: confusion_matrix(p, y, 2),
        lambda p, y: mean_per_class_accuracy(p, y, 2),
    ):
        with pytest.raises(ValueError, match=says):
            metric(predictions, labels)


@pytest.mark.parametrize(
    ("predictions", "labels", "says"),
    [
        ([0, 3], [0, 1], "predictions hold class 3, but num_classes=3 allows 0 to 2"),
        ([0, 1], [0, -1], "labels hold class -1, but num_classes=3"),
    ],
)
def test_a_class_out_of_range(predictions, labels, says):
    with pytest.raises(ValueError, match=says):
        confusion_matrix(predictions, labels, 3)
