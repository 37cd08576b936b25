import numpy as np
import pytest

from jtransfer.measure.segmentation import pixel_confusion, pixel_scores


def test_the_four_numbers_by_hand():
    # Class 0: 3 of 4 right; class 1: 1 of 2; class 2: no pixel, guessed once.
    matrix = [[3, 1, 0], [0, 1, 1], [0, 0, 0]]
    found = pixel_scores(matrix)
    assert found.pixel_accuracy == pytest.approx(4 / 6)
    assert found.mean_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found.iou == pytest.approx((3 / 4, 1 / 3, 0))
    assert found.mean_iou == pytest.approx((3 / 4 + 1 / 3) / 3)
    assert found.frequency_weighted_iou == pytest.approx((4 * 3 / 4 + 2 * 1 / 3) / 6)


def test_a_class_that_is_nowhere_is_left_out():
    found = pixel_scores(np.diag([5, 0, 3]))
    assert (found.mean_iou, found.mean_accuracy, found.frequency_weighted_iou) == (1, 1, 1)
    assert np.isnan(found.iou[1])


def test_counts_add_up_and_what_is_ignored_counts_nowhere():
    random = np.random.default_rng(0)
    masks = random.choice([0, 1, 2, 255], (4, 5, 6)).astype(np.uint8)
    guesses = random.integers(0, 3, masks.shape)
    whole = pixel_confusion(guesses, masks, 3, ignored=255)
    parts = [pixel_confusion(guesses[i], masks[i], 3, ignored=255) for i in range(4)]
    np.testing.assert_array_equal(whole, sum(parts))
    assert whole.sum() == (masks != 255).sum()
    for true in range(3):
        for guess in range(3):
            assert whole[true, guess] == ((masks == true) & (guesses == guess)).sum()
    assert not pixel_confusion(guesses[:1], np.full_like(masks[:1], 255), 3, ignored=255).any()


def test_what_cannot_be_judged():
    with pytest.raises(ValueError, match=r"guesses of shape \(2, 3\) for masks of \(2, 2\)"):
        pixel_confusion(np.zeros((2, 3), int), np.zeros((2, 2), int), 3)
    with pytest.raises(ValueError, match="labels hold class 9"):
        pixel_confusion(np.zeros((2, 2), int), np.full((2, 2), 9), 3)
    with pytest.raises(ValueError, match="counts 0 pixels"):
        pixel_scores(np.zeros((3, 3)))
