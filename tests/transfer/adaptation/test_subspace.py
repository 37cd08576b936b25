import math

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from jtransfer.transfer.adaptation.subspace import (
    fit_aligned_svm,
    fit_aligned_svm_by_oracle,
    fit_alignment,
    stable_dimension,
)

CLASSES = 3


def ellipse(count, deviations, seed=0):
    """Normal features with the given deviation along each axis, the largest first."""
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, len(deviations))) * deviations).astype(np.float32)


def turned(angle):
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)


def domains(count=90, angle=1.0, seed=0):
    """Three classes in a plane; the target's are turned within it, and moved."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    centres = np.array([[8, 0, 0], [-3, 2, 0], [-5, -2, 0]])
    source, test = (
        (centres[labels] + 0.3 * random.normal(size=(count, 3))).astype(np.float32)
        for _ in range(2)
    )
    return source, labels, test @ turned(angle) + 5


def folds(features, labels):
    return list(StratifiedKFold(2).split(features, labels))


def test_one_alignment_by_hand():
    """The source varies by 4 > 1 along x and y, the target along y and x, around (10, 20)."""
    source = np.array([[2, 0], [-2, 0], [0, 1], [0, -1]], np.float32)
    target = np.array([[1, 0], [-1, 0], [0, 2], [0, -2]], np.float32) + np.array([[10, 20]])
    fitted = fit_alignment(source, target, 1)
    np.testing.assert_allclose(fitted.source_mean, [0, 0])
    np.testing.assert_allclose(fitted.target_mean, [10, 20])
    np.testing.assert_allclose(np.abs(fitted.source_axes), [[1], [0]], atol=1e-6)
    np.testing.assert_allclose(np.abs(fitted.target_axes), [[0], [1]], atol=1e-6)
    # M = P_s^T P_t = 0: nothing of the source's axis is in the target's.
    np.testing.assert_allclose(fitted.matrix, [[0]], atol=1e-6)
    np.testing.assert_allclose(fitted.source(source), np.zeros((4, 1)), atol=1e-6)
    np.testing.assert_allclose(np.abs(fitted.target(target)), [[0], [0], [2], [2]], atol=1e-5)


def test_the_papers_formulas_with_scikit_learns_axes():
    source = ellipse(200, [5, 4, 3, 2, 1], seed=1) + 3
    target = ellipse(150, [5, 4, 3, 2, 1], seed=2)[:, [2, 0, 1, 4, 3]] - 2
    fitted = fit_alignment(source, target, 3)
    of_source, of_target = (PCA(3).fit(each) for each in (source, target))
    p_s, p_t = of_source.components_.T, of_target.components_.T
    # The target's axes have arbitrary signs; the aligned source's are the same.
    signs = np.sign((np.asarray(fitted.target_axes) * p_t).sum(axis=0))
    aligned = (source - source.mean(axis=0)) @ p_s @ (p_s.T @ p_t) * signs
    np.testing.assert_allclose(fitted.source(source), aligned, atol=1e-3)
    np.testing.assert_allclose(
        fitted.target(target), (target - target.mean(axis=0)) @ p_t * signs, atol=1e-3
    )


def test_one_domain_is_aligned_with_itself_and_all_axes_lose_nothing():
    source = ellipse(100, [3, 2, 1])
    fitted = fit_alignment(source, source, 2)
    np.testing.assert_allclose(fitted.matrix, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(fitted.source(source), fitted.target(source), atol=1e-4)
    # With d = dims both are rotations into one frame: distances between the domains stay.
    target = ellipse(50, [1, 2, 3], seed=1)
    whole = fit_alignment(source, target, 3)
    apart = np.asarray(whole.source(source))[:50] - np.asarray(whole.target(target))
    centred = (source - source.mean(axis=0))[:50] - (target - target.mean(axis=0))
    np.testing.assert_allclose(
        np.linalg.norm(apart, axis=1), np.linalg.norm(centred, axis=1), rtol=1e-4
    )


def test_the_stable_dimension_is_that_of_the_bound():
    source, target = ellipse(300, [9, 6, 4, 1, 1, 1], 1), ellipse(200, [9, 6, 4, 1, 1, 1], 2)

    def holds(d, gamma, delta):
        needed = 0.0
        gap = math.inf
        for each in (source, target):
            centred = each - each.mean(axis=0)
            variances = np.sort(np.linalg.eigvalsh(np.cov(each.T, bias=True)))[::-1]
            gap = min(gap, variances[d - 1] - variances[d])
            needed = max(needed, (centred**2).sum(axis=1).max())
        factor = 16 * d**1.5 * (1 + math.sqrt(math.log(2 / delta) / 2))
        return gap >= factor * needed / (gamma * math.sqrt(200))

    found = []
    for gamma in (1e1, 3e2, 1e3, 1e5):
        expected = max((d for d in range(1, 6) if holds(d, gamma, 0.1)), default=1)
        found.append(stable_dimension(source, target, gamma=gamma, delta=0.1))
        assert found[-1] == expected
    # The gaps behind the first three axes are wide, those behind the others are chance.
    assert found[0] == 1
    assert 3 in found
    assert found == sorted(found)


def test_the_stable_dimension_does_not_depend_on_the_unit():
    source, target = ellipse(300, [9, 6, 4, 1, 1, 1], 1), ellipse(200, [9, 6, 4, 1, 1, 1], 2)
    assert stable_dimension(source, target, gamma=1e3) == stable_dimension(
        1000 * source, 1000 * target, gamma=1e3
    )


def test_alignment_mends_a_shift():
    source, labels, target = domains(angle=0.1)
    plain = LinearSVC(C=1.0).fit(source, labels)
    assert np.mean(plain.predict(target) == labels) < 0.7
    fitted = fit_aligned_svm(
        source, labels, target, classes=CLASSES, penalties=[0.1, 1.0], folds=folds(source, labels)
    )
    assert np.mean(np.asarray(fitted.predict(target)) == labels) > 0.95
    assert fitted.chosen_by.startswith("source cross-validation up to the stable dimension")
    assert fitted.C in (0.1, 1.0)


def test_the_choice_is_the_best_on_the_source_and_the_smallest_among_equals():
    source, labels, target = domains(angle=0.1)
    fitted = fit_aligned_svm(
        source, labels, target, classes=CLASSES, penalties=[1.0], folds=folds(source, labels)
    )
    assert fitted.scores[fitted.dimension] == max(fitted.scores.values())
    assert all(
        score < fitted.scores[fitted.dimension]
        for d, score in fitted.scores.items()
        if d < fitted.dimension
    )


def test_the_oracle_says_so_and_is_no_worse():
    source, labels, target = domains(angle=0.8)
    shared = {"classes": CLASSES, "penalties": [0.1, 1.0], "folds": folds(source, labels)}
    blind = fit_aligned_svm(source, labels, target, dimensions=[1, 2], **shared)
    oracle = fit_aligned_svm_by_oracle(
        source, labels, target, target, labels, dimensions=[1, 2, 3], **shared
    )
    assert oracle.chosen_by == "oracle: accuracy on the target's test labels"
    assert set(oracle.scores) == {1, 2, 3}
    right = np.mean(np.asarray(oracle.predict(target)) == labels)
    assert right == oracle.scores[oracle.dimension] == max(oracle.scores.values())
    assert right >= np.mean(np.asarray(blind.predict(target)) == labels)


def test_what_cannot_be_aligned():
    source, labels, target = domains()
    shared = {"classes": CLASSES, "penalties": [1.0], "folds": folds(source, labels)}
    with pytest.raises(ValueError, match=r"source \(90, 3\) and target \(90, 2\); expected feat"):
        fit_alignment(source, target[:, :2], 1)
    with pytest.raises(ValueError, match="dimension is 4; expected 1 to 3, the largest"):
        fit_alignment(source, target, 4)
    with pytest.raises(ValueError, match="dimension is 3; expected 1 to 2"):
        fit_alignment(source, target[:3], 3)
    with pytest.raises(ValueError, match="1 source and 90 target examples; expected two"):
        stable_dimension(source[:1], target)
    with pytest.raises(ValueError, match="NaN or infinity"):
        fit_alignment(source, np.full_like(target, np.nan), 1)
    with pytest.raises(ValueError, match=r"of the dimensions \[9\] none is from 1 to"):
        fit_aligned_svm(source, labels, target, dimensions=[9], **shared)
