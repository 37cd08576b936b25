import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from jtransfer.measure.average_precision import voc_average_precision

KINDS = ("11-point", "all-point")


def of_one_class(scores, labels, interpolation):
    """The average precision of a single class."""
    columns = np.asarray(scores, float)[:, None], np.asarray(labels)[:, None]
    (value,) = voc_average_precision(*columns, interpolation=interpolation)
    return value


def by_hand(shows, interpolation):
    """Images in the order of rank, 1 or -1."""
    return of_one_class(-np.arange(len(shows)), shows, interpolation)


@st.composite
def rankings(draw):
    """Different scores, and labels with at least one image that shows the class and one without."""
    labels = draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=2, max_size=40))
    labels = np.array(draw(st.permutations([*labels, 1, -1])))
    return np.array(draw(st.permutations(range(len(labels)))), float), labels


def test_by_hand():
    """Shown at ranks 1, 3, 6: precision 1, 2/3, 1/2 at recall 1/3, 2/3, 1."""
    shows = [1, -1, 1, -1, -1, 1]
    # Recalls 0 to .3 are reached at rank 1, .4 to .6 at rank 3, .7 to 1 at rank 6.
    expected = (4 * 1 + 3 * 2 / 3 + 4 * 1 / 2) / 11
    assert by_hand(shows, "11-point") == pytest.approx(expected)
    assert by_hand(shows, "all-point") == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)


def test_a_later_higher_precision_counts_for_lower_recalls():
    """Shown at ranks 2, 3, 4, 10: precision 1/2, 2/3, 3/4, 4/10; 3/4 reaches down to recall 0."""
    shows = [-1, 1, 1, 1, -1, -1, -1, -1, -1, 1]
    # Recalls 0 to .7 have 3/4; .8, .9 and 1 have 4/10.
    assert by_hand(shows, "11-point") == pytest.approx((8 * 3 / 4 + 3 * 4 / 10) / 11)
    assert by_hand(shows, "all-point") == pytest.approx((3 * 3 / 4 + 4 / 10) / 4)


def test_a_recall_of_three_tenths_reaches_the_point_at_three_tenths():
    """Three of ten, then ten not shown, then the other seven: precision 1 up to recall 3/10."""
    shows = [1] * 3 + [-1] * 10 + [1] * 7
    assert by_hand(shows, "11-point") == pytest.approx((4 * 1 + 7 * 10 / 20) / 11)


def test_difficult_images_are_left_out():
    scores, labels = [5, 4, 3, 2, 1], [0, 1, 0, -1, 1]
    for kind in KINDS:
        assert of_one_class(scores, labels, kind) == by_hand([1, -1, 1], kind)


def test_equal_scores_stay_in_the_order_given():
    for kind in KINDS:
        assert of_one_class([1, 1], [1, -1], kind) == 1
        assert of_one_class([1, 1], [-1, 1], kind) == 0.5


def test_what_was_not_scored_comes_last():
    assert of_one_class([-np.inf, -1e9], [-1, 1], "all-point") == 1
    assert of_one_class([-np.inf, -1e9], [1, -1], "all-point") == 0.5


def test_every_class_has_its_own():
    scores = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]])
    labels = np.array([[1, 1], [-1, -1], [1, 0]])
    values = voc_average_precision(scores, labels, interpolation="all-point")
    np.testing.assert_allclose(values, [(1 + 2 / 3) / 2, 1 / 2])
    assert values.dtype == np.float64


@given(rankings())
def test_both_are_the_interpolated_curve_of_scikit_learn(ranking):
    scores, labels = ranking
    judged = labels != 0
    precision, recall, _ = precision_recall_curve(labels[judged] == 1, scores[judged])
    # Recall falls along the curve, whose last point (recall 0, precision 1) is made up.
    highest = np.maximum.accumulate(precision[:-1])
    area = -(np.diff(recall) * highest).sum()
    assert of_one_class(scores, labels, "all-point") == pytest.approx(area)
    points = [highest[recall[:-1] >= tenth / 10 - 1e-9].max() for tenth in range(11)]
    assert of_one_class(scores, labels, "11-point") == pytest.approx(np.mean(points))


@given(rankings())
def test_interpolation_never_lowers_it(ranking):
    scores, labels = ranking
    judged = labels != 0
    plain = average_precision_score(labels[judged] == 1, scores[judged])
    assert plain - 1e-9 <= of_one_class(scores, labels, "all-point") <= 1
    assert 0 < of_one_class(scores, labels, "11-point") <= 1


@given(rankings())
def test_only_the_order_counts_and_the_right_one_is_perfect(ranking):
    scores, labels = ranking
    for kind in KINDS:
        once = of_one_class(scores, labels, kind)
        assert of_one_class(np.arctan(scores / 50), labels, kind) == once
        assert of_one_class(scores + 1000 * labels, labels, kind) == 1


@pytest.mark.parametrize(
    ("scores", "labels", "says"),
    [
        ([1.0, 2.0], [1, -1], r"scores \(2,\) and labels \(2,\); expected \[n, classes\]"),
        ([[1.0], [2.0]], [[1, -1]], r"scores \(2, 1\) and labels \(1, 2\)"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "none of them empty"),
        ([[1.0, 0.0], [2.0, np.nan]], [[1, -1], [-1, 1]], "class 1 for image 1 is NaN"),
        ([[1.0], [2.0]], [[1], [0]], r"labels hold \[0, 1\]; .*2 \* labels - 1"),
        ([[1.0], [2.0]], [[1], [-2]], r"labels hold \[-2, 1\]; expected 1 \(shown\)"),
        ([[1.0, 0.0], [2.0, 1.0]], [[1, -1], [-1, 0]], "no image shows class 1; expected"),
    ],
)
def test_what_cannot_be_judged(scores, labels, says):
    with pytest.raises(ValueError, match=says):
        voc_average_precision(scores, labels, interpolation="11-point")


def test_another_interpolation():
    with pytest.raises(ValueError, match=r"interpolation 'linear'; expected '11-point'"):
        voc_average_precision([[1.0]], [[1]], interpolation="linear")
