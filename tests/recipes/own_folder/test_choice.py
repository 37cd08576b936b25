import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.recipes.own_folder.choice import choose, seen_by
from jtransfer.recipes.own_folder.description import why
from jtransfer.recipes.own_folder.estimate import calibrate, estimate, remaining_error

CLASSES = ("a", "b", "c")


def noise(layers: int, n: int, dims: int = 4) -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(1)
    made = rng.normal(size=(layers, n, dims)).astype(np.float32)
    made /= np.linalg.norm(made, axis=2, keepdims=True)
    return {("net", f"layer{number}"): values for number, values in enumerate(made)}


def telling(labels: np.ndarray, spread: float, dims: int = 6) -> np.ndarray:
    rng = np.random.default_rng(2)
    values = np.eye(dims)[labels] + spread * rng.normal(size=(len(labels), dims))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def test_of_noise_the_best_is_not_taken_at_its_word():
    labels = np.arange(60) % 3
    nested = choose(noise(30, 60), labels, CLASSES)
    judged = estimate(nested, labels, 0.95)
    assert nested.whole.accuracy > 0.38  # the best of many looks better than it is
    assert judged.accuracy.value < 0.36


def test_the_layer_that_tells_is_chosen_and_every_fold_agrees():
    labels = np.arange(60) % 3
    layers = noise(2, 60, 6) | {("net", "top"): telling(labels, 0.2)}
    nested = choose(layers, labels, CLASSES)
    judged = estimate(nested, labels, 0.95)
    assert {each.candidate.layer for each in (nested.whole, *nested.without)} == {"top"}
    assert judged.accuracy.value > 0.9
    assert judged.probabilities.sum(axis=1) == pytest.approx(1)
    assert judged.counts == (20, 20, 20)
    assert "top" in why(nested)
    assert "of 5 folds" in why(nested)
    # The softmax was tried on the best layer alone.
    assert {each.candidate.layer for each in nested.tried if each.candidate.probe == "softmax"} == {
        "top"
    }


def test_a_fold_is_judged_by_nothing_that_depends_on_its_labels():
    labels = np.arange(60) % 3
    features = telling(labels, 0.5)
    folds = np.arange(60) // 12
    fold = folds == 0
    other = np.where(fold, (labels + 1) % 3, labels)
    nested, again = (
        choose({("net", "top"): features}, each, CLASSES, folds=folds) for each in (labels, other)
    )
    first, second = nested.without[0], again.without[0]
    assert first.candidate == second.candidate
    np.testing.assert_allclose(first.scores[fold, 0], second.scores[fold, 0], atol=1e-6)
    found = [calibrate(each, folds, of, 0.9, 0) for each, of in ((first, labels), (second, other))]
    assert found[0] == found[1]
    assert nested.whole.accuracy > again.whole.accuracy + 0.1  # what it is not blind to


def test_what_may_be_seen_without_a_fold():
    scores = np.arange(2 * 2 * 3.0).reshape(2, 2, 3)
    own, labels = seen_by(scores, np.array([0, 1]), np.array([2, 0]), None)
    np.testing.assert_array_equal(own, [scores[0, 0], scores[1, 1]])
    own, labels = seen_by(scores, np.array([0, 1]), np.array([2, 0]), 1)
    np.testing.assert_array_equal(own, [scores[0, 1]])
    assert labels.tolist() == [2]


def test_classes_of_uneven_size_are_tried_with_weights():
    labels = np.repeat([0, 1, 2], [30, 9, 6])
    nested = choose({("net", "top"): telling(labels, 0.4)}, labels, CLASSES)
    assert {each.candidate.balanced for each in nested.tried} == {False, True}
    even = choose({("net", "top"): telling(labels, 0.4)}, labels, CLASSES, balance=False)
    assert {each.candidate.balanced for each in even.tried} == {False}


def test_among_equals_the_lower_log_loss_decides():
    labels = np.arange(60) % 3
    layers = {("net", "far"): telling(labels, 0.01), ("net", "near"): telling(labels, 0.12)}
    nested = choose(layers, labels, CLASSES)
    assert nested.whole.accuracy == 1
    assert nested.whole.candidate.layer == "far"


def test_a_threshold_for_a_precision_is_kept_on_what_was_not_seen():
    labels = np.arange(600) % 3
    judged = estimate(choose({("net", "top"): telling(labels, 0.6)}, labels, CLASSES), labels, 0.9)
    assert judged.accuracy.value < 0.85
    assert judged.precision is not None
    assert judged.precision.low < 0.9 < judged.precision.high
    assert 0.1 < judged.sure < 0.9


def test_calibration_mends_what_scores_say():
    labels = np.arange(300) % 3
    judged = estimate(choose({("net", "top"): telling(labels, 0.5)}, labels, CLASSES), labels, 0.9)
    assert judged.after.error < judged.before.error
    assert judged.after.error < 0.08


def test_what_remains_of_an_error_by_hand():
    # Errors of 1 / n: of 3, 4 and 5 fifths they are as 1/3, 1/4 and 1/5.
    assert remaining_error(1 / 3, 1 / 4, 5) == pytest.approx(4 / 5)
    assert remaining_error(0.9, 0.45, 3) == pytest.approx(0.5 ** (np.log(1.5) / np.log(2)))
    assert remaining_error(0.1, 0.2, 5) == 1
    assert remaining_error(0.1, 0.0, 5) == 1


def test_the_estimate_is_of_a_model_of_all_images():
    labels = np.arange(60) % 3
    nested = choose({("net", "top"): telling(labels, 0.7)}, labels, CLASSES)
    judged = estimate(nested, labels, 0.9)
    errors = (judged.probabilities.argmax(axis=1) != labels).mean()
    assert judged.accuracy.value == pytest.approx(1 - judged.remaining * errors)


def test_a_class_with_too_few_images_is_named():
    with pytest.raises(DataError, match="c has 2; expected at least 3"):
        choose(noise(1, 12), np.repeat([0, 1, 2], [5, 5, 2]), CLASSES)
