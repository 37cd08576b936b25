import math

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.metrics import adjusted_mutual_info_score

from jtransfer.measure import selection
from jtransfer.measure.selection import (
    CRITERIA,
    batch_nuclear_norm,
    best,
    class_clustering,
    consensus,
    deep_embedded_risk,
    density_ratio,
    ensemble_agreement,
    importance_weighted_risk,
    information_maximization,
    reverse_risk,
    soft_neighborhood_density,
    source_risk,
)

SURE = np.eye(3)[[0, 1, 2, 0, 1, 2]]  # confident and spread over the classes
ONE_CLASS = np.eye(3)[[0] * 6]
UNSURE = np.full((6, 3), 1 / 3)


def softmax_rows(count, classes, seed=0):
    logits = 3 * np.random.default_rng(seed).normal(size=(count, classes))
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))


def test_risks_by_hand():
    losses, weights = [1.0, 0.0, 1.0, 0.0], [0.5, 2.0, 1.5, 1.0]
    assert source_risk(losses) == 0.5
    assert importance_weighted_risk(losses, weights) == (0.5 + 1.5) / 4
    # w l is .5 0 1.5 0 with mean .5, w has mean 1.25 and variance .3125;
    # Cov(w l, w) = (.25 + 2.25) / 4 - .5 * 1.25 = 0, so there is nothing to control.
    assert deep_embedded_risk(losses, weights) == pytest.approx(0.5)
    # With l = 1 at the two largest weights: w l = 0 2 1.5 0, mean .875; Cov = (4 + 2.25) / 4
    # - .875 * 1.25 = .46875, eta = -1.5, and .875 - 1.5 * 1.25 + 1.5 = .5.
    assert deep_embedded_risk([0, 1, 1, 0], weights) == pytest.approx(0.5)


def test_dev_as_its_authors_write_it():
    """Covariance and variance both with n - 1, which cancels."""
    losses, weights = np.random.default_rng(1).uniform(0, 3, (2, 20))
    (_, covariance), (_, variance) = np.cov(weights * losses, weights)
    eta = -covariance / variance
    expected = np.mean(weights * losses) + eta * np.mean(weights) - eta
    assert deep_embedded_risk(losses, weights) == pytest.approx(expected)


def test_dev_of_a_constant_loss_is_that_loss_whatever_the_weights():
    weights = np.random.default_rng(0).uniform(0, 5, 50)
    assert deep_embedded_risk(np.full(50, 0.3), weights) == pytest.approx(0.3)
    assert importance_weighted_risk(np.full(50, 0.3), weights) != pytest.approx(0.3, abs=0.1)


def test_equal_weights_leave_the_weighted_risk():
    assert deep_embedded_risk([0.0, 1.0], [2.0, 2.0]) == importance_weighted_risk([0, 1], [2, 2])


@pytest.mark.parametrize("weight", [0.1, 1 / 3, 7e5 / 9])
def test_weights_that_are_equal_but_for_rounding(weight):
    losses, weights = [0.0, 1.0, 0.5, 0.25, 1.0, 0, 0, 0, 0, 0.5], np.full(10, weight)
    weights[3] *= 1 + 1e-15
    assert deep_embedded_risk(losses, weights) == pytest.approx(0.325 * weight)


def test_dev_varies_less_than_the_weighted_risk():
    random = np.random.default_rng(0)
    # Examples x ~ U(0, 1), weight 2 x (mean 1), loss x: the risk is E[2 x^2] = 2/3.
    samples = random.uniform(size=(200, 100))
    plain = [importance_weighted_risk(x, 2 * x) for x in samples]
    controlled = [deep_embedded_risk(x, 2 * x) for x in samples]
    assert np.mean(controlled) == pytest.approx(2 / 3, abs=0.01)
    assert np.std(controlled) < 0.5 * np.std(plain)


def test_soft_neighborhood_density_by_hand():
    # Each of two pairs: similarity 1 to the partner, 0 to the two others, temperature 1.
    outputs = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    p = np.array([math.e, 1, 1]) / (math.e + 2)
    expected = -(p * np.log(p)).sum()
    assert soft_neighborhood_density(outputs, temperature=1.0) == pytest.approx(expected)


def test_soft_neighborhood_density_counts_neighbours():
    # Four clusters of five: each example has four equal neighbours and none elsewhere.
    outputs = np.repeat(np.eye(4), 5, axis=0)
    assert soft_neighborhood_density(outputs) == pytest.approx(math.log(4), abs=1e-6)
    assert soft_neighborhood_density(ONE_CLASS) == pytest.approx(math.log(5))


@pytest.mark.parametrize("temperature", [1e-2, 1e-4, 1e-300])
def test_soft_neighborhood_density_at_small_temperatures(temperature):
    """Its nearest neighbour is all that an example sees, or, between two, both as much."""
    angles = np.radians([0, 40, 60, 150])
    outputs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # 0 -> 40; 40 -> 60; 60 -> 40; 150 -> 60.
    assert soft_neighborhood_density(outputs, temperature=temperature) == pytest.approx(0, abs=1e-6)
    between = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    expected = math.log(2) / 3
    assert soft_neighborhood_density(between, temperature=temperature) == pytest.approx(expected)


def test_soft_neighborhood_density_needs_a_temperature():
    with pytest.raises(ValueError, match="temperature is 0; expected a positive number"):
        soft_neighborhood_density(SURE, temperature=0)


def test_soft_neighborhood_density_is_the_same_in_blocks():
    outputs = softmax_rows(53, 7)
    assert soft_neighborhood_density(outputs, block=10) == pytest.approx(
        soft_neighborhood_density(outputs)
    )


def test_nuclear_norm_by_hand():
    # Rows of the identity: singular values sqrt(2) three times; one class: sqrt(6) once.
    assert batch_nuclear_norm(SURE) == pytest.approx(3 * math.sqrt(2) / 6)
    assert batch_nuclear_norm(ONE_CLASS) == pytest.approx(math.sqrt(6) / 6)
    assert batch_nuclear_norm(UNSURE) == pytest.approx(math.sqrt(2) / 6)
    rows = softmax_rows(30, 4)
    singular = np.linalg.svd(rows, compute_uv=False)
    assert batch_nuclear_norm(rows) == pytest.approx(singular.sum() / 30)


def test_information_by_hand():
    assert information_maximization(SURE) == pytest.approx(math.log(3))
    assert information_maximization(ONE_CLASS) == pytest.approx(0)
    assert information_maximization(UNSURE) == pytest.approx(0)
    for seed in range(20):
        assert information_maximization(np.tile(softmax_rows(1, 7, seed), (3, 1))) >= 0
    # Mean prediction (.5, .5), each of entropy -(.9 log .9 + .1 log .1)
    each = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    rows = [[0.9, 0.1], [0.1, 0.9]]
    assert information_maximization(rows) == pytest.approx(math.log(2) - each)


def test_the_direction_of_each_criterion():
    """The better of two models, each by its criterion: `best` finds it."""
    wrong, right, weights = np.ones(4), np.zeros(4), [0.5, 1.5, 1.0, 1.0]
    values = {
        "source_risk": [source_risk(losses) for losses in (wrong, right)],
        "importance_weighted_risk": [
            importance_weighted_risk(losses, weights) for losses in (wrong, right)
        ],
        "deep_embedded_risk": [deep_embedded_risk(losses, weights) for losses in (wrong, right)],
        "reverse_risk": [0.5, 0.1],
        "soft_neighborhood_density": [
            soft_neighborhood_density(np.repeat(np.eye(3), 2, axis=0)),
            soft_neighborhood_density(np.repeat(np.eye(2), 3, axis=0)),
        ],
        "batch_nuclear_norm": [batch_nuclear_norm(UNSURE), batch_nuclear_norm(SURE)],
        "information_maximization": [
            information_maximization(ONE_CLASS),
            information_maximization(SURE),
        ],
        "class_clustering": [
            class_clustering(SURE, guesses, classes=3)
            for guesses in ([0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2])
        ],
        "ensemble_agreement": ensemble_agreement([[0, 1, 2], [2, 1, 0], [2, 1, 2]])[1:],
        "consensus": consensus([[[0.0, 1.0]], [[5.0, 0.0]]]),
    }
    assert set(values) == set(CRITERIA)
    assert {name: best(name, each) for name, each in values.items()} == dict.fromkeys(CRITERIA, 1)
    assert all(hasattr(selection, name) for name in CRITERIA)


def test_guesses_that_are_the_clusters_whatever_their_numbers():
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = 5 * np.eye(3)[labels] + 0.1 * random.normal(size=(60, 3))
    assert class_clustering(features, labels, classes=3) == pytest.approx(1)
    assert class_clustering(features, (labels + 1) % 3, classes=3) == pytest.approx(1)
    wrong = np.where(np.arange(60) < 9, 0, labels)
    expected = adjusted_mutual_info_score(labels, wrong)  # k-means finds the labels
    assert class_clustering(features, wrong, classes=3) == pytest.approx(expected)
    assert abs(class_clustering(features, random.integers(0, 3, 60), classes=3)) < 0.1


def test_one_class_or_one_point_is_no_clustering():
    labels = np.arange(6) % 3
    assert class_clustering(SURE, np.zeros(6, int), classes=3) == 0
    assert class_clustering(np.ones((6, 2)), labels, classes=3) == 0
    # Two different points for three classes.
    assert class_clustering(np.eye(2)[[0, 1] * 3], [0, 1] * 3, classes=3) == pytest.approx(1)


def test_agreement_by_hand():
    # The first two agree on three of four, each with the third on one and two.
    guesses = [[0, 1, 2, 0], [0, 1, 2, 1], [0, 2, 1, 1]]
    np.testing.assert_allclose(ensemble_agreement(guesses), [0.5, 0.625, 0.375])
    np.testing.assert_allclose(ensemble_agreement([[0, 1], [0, 0]]), [0.5, 0.5])


def test_consensus_with_what_all_guess_together_by_hand():
    scores = np.array(
        [
            [[3.0, 0.0], [0.0, 1.0], [2.0, 0.0]],
            [[0.0, 1.0], [0.0, 2.0], [0.0, 1.0]],
            [[0.0, 1.0], [0.0, 1.0], [0.5, 0.0]],
        ]
    )
    # Together, by their sums: 3 to 2, 0 to 4, 2.5 to 1.
    np.testing.assert_allclose(consensus(scores), [1, 1 / 3, 2 / 3])
    np.testing.assert_allclose(consensus(scores[:1]), [1])
    with pytest.raises(ValueError, match=r"scores of shape \(3, 2\); expected finite ones of one"):
        consensus(scores[0])
    with pytest.raises(ValueError, match="expected finite ones"):
        consensus(np.full((2, 3, 4), np.nan))


def test_best_takes_the_first_of_equals():
    assert best("source_risk", [0.2, 0.1, 0.1]) == 1
    assert best("batch_nuclear_norm", [0.2, 0.3, 0.3]) == 1


def test_density_ratio_of_two_normals():
    # N(0, 1) against N(1, 1): the log ratio is x - 1/2. A domain twice as large does not matter.
    random = np.random.default_rng(0)
    source, target = random.normal(0, 1, (4000, 1)), random.normal(1, 1, (8000, 1))
    points = np.linspace(-1, 2, 7)[:, None]
    weights = density_ratio(source, target, points)
    np.testing.assert_allclose(np.log(weights), points[:, 0] - 0.5, atol=0.15)
    assert density_ratio(source, target, source).mean() == pytest.approx(1, abs=0.1)


def test_density_ratio_of_equal_domains_is_1():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(2, 500, 3))
    np.testing.assert_allclose(density_ratio(source, target, source), 1, atol=0.1)


def nearest_mean(examples, labels, unlabelled, start):
    """Class means, moved by the shift between the domains' means: an adaptation of its own kind."""
    shift = unlabelled.mean() - examples.mean() if start != "no shift" else 0.0
    return {c: examples[labels == c].mean() + shift for c in np.unique(labels)}


def nearest(model, examples):
    classes = np.array(list(model))
    means = np.array(list(model.values()))
    return classes[np.abs(examples[:, None] - means[None]).argmin(axis=1)]


def test_reverse_validation_tells_adaptation_from_none():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    source = labels + 0.05 * random.normal(size=200)
    target = np.repeat([0.8, 1.8], 100) + 0.05 * random.normal(size=200)

    def unadapted(examples, labels, unlabelled, start):
        return nearest_mean(examples, labels, unlabelled, "no shift")

    adapted = reverse_risk(nearest_mean, nearest, source, labels, target)
    assert adapted == 0
    # Without the shift .8 and 1.8 both look like class 1, and coming back so does the source.
    assert reverse_risk(unadapted, nearest, source, labels, target) > 0.3


def test_reverse_validation_holds_out_what_it_tests_and_starts_from_the_first_model():
    seen = []

    def fit(examples, labels, unlabelled, start):
        seen.append((set(examples), set(labels), set(unlabelled), start))
        return len(seen)

    def predict(model, examples):
        seen.append((model, set(examples)))
        return np.full(len(examples), 7)

    source, target = np.arange(10), np.arange(100, 105)
    risk = reverse_risk(fit, predict, source, np.array([7] * 5 + [8] * 5), target, validation=0.3)
    forward, guessing, backward, testing = seen
    assert forward[3] is None
    assert forward[2] == set(target) == guessing[1] == backward[0]
    assert backward[1:] == ({7}, forward[0], 1)
    assert testing[1] == set(source) - forward[0]
    assert len(testing[1]) == 3
    assert risk == np.mean([label >= 5 for label in testing[1]])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: best("accuracy", [1]), "no criterion 'accuracy'; expected one of source_risk"),
        (lambda: best("source_risk", [0.1, np.nan]), "one finite number a model.*diverged"),
        (lambda: source_risk([]), r"losses have shape \(0,\)"),
        (lambda: importance_weighted_risk([1, 0], [1]), "2 losses and 1 weights"),
        (lambda: deep_embedded_risk([1, 0], [1, -1]), r"the least -1\.0; expected one"),
        (lambda: soft_neighborhood_density([[1, 0]]), "one example; expected two"),
        (lambda: batch_nuclear_norm([[2, -1]]), "negative number or does not sum to 1"),
        (lambda: information_maximization([[2, 3]]), "Apply softmax to logits first"),
        (lambda: information_maximization([0.5, 0.5]), r"probabilities have shape \(2,\)"),
        (
            lambda: class_clustering(SURE, [0], classes=3),
            r"6 rows of features and guesses of shape",
        ),
        (lambda: ensemble_agreement([[0, 1]]), r"shape \(1, 2\); expected those of two or more"),
        (lambda: density_ratio(*[np.ones((5, n)) for n in (2, 3, 2)]), r"of \[2, 3\] columns"),
        (lambda: density_ratio(*[np.ones((2, 2))] * 3), "2 source and 2 target examples"),
        (
            lambda: reverse_risk(nearest_mean, nearest, np.ones(5), np.ones(4), np.ones(3)),
            "5 source examples, 4 labels and validation=0.1",
        ),
    ],
)
def test_what_cannot_be_judged(call, says):
    with pytest.raises(ValueError, match=says):
        call()
