import numpy as np
import pytest
from hypothesis import given, strategies as st

from jtransfer.measure import mean_per_class_accuracy
from jtransfer.measure.seen_unseen import harmonic_mean, seen_unseen_curve

SEEN = np.array([True, True, False])


def test_harmonic_mean_by_hand():
    assert harmonic_mean(0.5, 0.25) == pytest.approx(1 / 3)
    assert harmonic_mean(0.0, 0.0) == 0.0


def test_a_curve_by_hand():
    """Seen images turn at 1 and 3; unseen ones, both right among the unseen, at 0 and 2."""
    scores = np.array([[2, 0, 1], [0, 3, 0], [1, 0, 1], [0, 2, 0]], float)
    curve = seen_unseen_curve(scores, [0, 1, 2, 2], SEEN)
    np.testing.assert_array_equal(curve.calibration, [-np.inf, 0, 1, 2, 3])
    np.testing.assert_allclose(curve.seen, [1, 1, 0.5, 0.5, 0])
    np.testing.assert_allclose(curve.unseen, [0, 0.5, 0.5, 1, 1])
    # S over U: 1 from 0 to .5, .5 from .5 to 1.
    assert curve.area == pytest.approx(0.75)
    assert curve.at(0.5) == pytest.approx((1, 0.5, 2 / 3))
    # H: 0, 2/3, .5, 2/3, 0, so that the first best stretch is from 0 to 1.
    assert curve.best_calibration() == 0.5


def test_classes_without_images_are_left_out_of_the_means():
    """One image of each of two classes; two others, one seen and one not, have none."""
    scores = np.array([[2, 0, 1, 0], [1, 0, 3, 0]], float)
    curve = seen_unseen_curve(scores, [0, 2], [True, True, False, False])
    assert curve.at(0.0) == (1.0, 1.0, 1.0)


def test_what_is_left_of_many_sevenths_is_nothing():
    """A seen class of 7 images, each of which a higher calibration loses, down to 0 itself."""
    scores = np.stack([np.arange(1.0, 9.0), np.zeros(8)], axis=1)
    curve = seen_unseen_curve(scores, [0] * 7 + [1], [True, False])
    np.testing.assert_allclose(curve.seen, [1, *(np.arange(6, -1, -1) / 7), 0], atol=1e-12)
    assert curve.seen[-1] == 0


@given(st.integers(0, 1000))
def test_the_curve_is_what_stacking_measures(seed):
    random = np.random.default_rng(seed)
    labels = np.r_[0, 1, 2, 3, random.integers(0, 4, 20)]
    seen = np.array([True, False, True, False])
    scores = random.normal(size=(24, 4))
    curve = seen_unseen_curve(scores, labels, seen)
    for calibration in (-1.0, 0.0, 0.7):
        guesses = (scores - calibration * seen).argmax(axis=1)
        S, U = (
            mean_per_class_accuracy(guesses[kind], labels[kind], 4)
            for kind in (seen[labels], ~seen[labels])
        )
        assert curve.at(calibration) == pytest.approx((S, U, harmonic_mean(S, U)))
    assert 0 <= curve.area <= 1
    assert (np.diff(curve.seen) <= 1e-12).all()
    assert (np.diff(curve.unseen) >= -1e-12).all()


def test_what_cannot_be_used():
    scores = np.zeros((2, 3))
    with pytest.raises(ValueError, match="2 images of seen and 0 of unseen"):
        seen_unseen_curve(scores, [0, 1], SEEN)
    with pytest.raises(ValueError, match=r"expected \[n, classes\]"):
        seen_unseen_curve(scores, [0, 2, 1], SEEN)
    with pytest.raises(ValueError, match="not finite"):
        seen_unseen_curve(np.full((2, 3), np.nan), [0, 2], SEEN)
    with pytest.raises(ValueError, match="labels run from 0 to 3"):
        seen_unseen_curve(scores, [0, 3], SEEN)
