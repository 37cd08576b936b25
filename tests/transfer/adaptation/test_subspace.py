import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.decomposition import PCA

from jtransfer.transfer.adaptation.subspace import PrincipalAxes, fit_alignment
from tests.transfer.two_domains import domains, ellipse


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


@given(power=st.integers(-80, 80))
def test_the_axes_do_not_depend_on_the_unit(power):
    """Not even where the square of a feature is no float32 any more."""
    features, unit = ellipse(30, [4, 2, 1, 0.5], seed=3), np.float32(2.0) ** power
    here, there = PrincipalAxes.of(features), PrincipalAxes.of(features * unit)
    np.testing.assert_array_equal(here.axes, there.axes)
    np.testing.assert_allclose(there.variances, here.variances * float(unit) ** 2, rtol=1e-12)


def test_the_axes_far_from_zero_are_those_of_float64():
    features = ellipse(200, [0.03, 0.02, 0.01], seed=4).astype(np.float64) + 1e4
    axes = PrincipalAxes.of(features)
    variances, expected = np.linalg.eigh(np.cov(features.T, bias=True))
    np.testing.assert_allclose(axes.variances, variances[::-1], rtol=1e-5)
    np.testing.assert_allclose(np.abs(axes.axes), np.abs(expected[:, ::-1]), atol=1e-4)


@pytest.mark.parametrize("count", [2, 5])
def test_constant_features_and_fewer_examples_than_features(count):
    constant = np.full((count, 8), 3.0, np.float32)
    fitted = fit_alignment(constant, ellipse(count, [1.0] * 8), 1)
    np.testing.assert_allclose(fitted.source(constant), np.zeros((count, 1)))
    assert np.isfinite(fitted.source_axes).all()
    few = ellipse(count, [8, 7, 6, 5, 4, 3, 2, 1])
    whole = fit_alignment(few, few, count - 1)
    # n points about their mean lie in n - 1 dimensions, so that nothing of them is lost.
    np.testing.assert_allclose(
        np.linalg.norm(whole.source(few), axis=1),
        np.linalg.norm(few - few.mean(axis=0), axis=1),
        rtol=1e-4,
    )


def test_what_cannot_be_aligned():
    source, _, target = domains()
    with pytest.raises(ValueError, match=r"source \(90, 3\) and target \(90, 2\); expected feat"):
        fit_alignment(source, target[:, :2], 1)
    with pytest.raises(ValueError, match="dimension is 4; expected a whole number from 1 to 3"):
        fit_alignment(source, target, 4)
    with pytest.raises(ValueError, match="dimension is 3; expected a whole number from 1 to 2"):
        fit_alignment(source, target[:3], 3)
    with pytest.raises(ValueError, match=r"dimension is 1\.5; expected a whole number from 1"):
        fit_alignment(source, target, 1.5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="1 source and 90 target examples of 3 features; exp"):
        fit_alignment(source[:1], target, 1)
    with pytest.raises(ValueError, match="90 source and 90 target examples of 0 features; exp"):
        fit_alignment(source[:, :0], target[:, :0], 1)
    with pytest.raises(ValueError, match="row 7 of the target's features holds NaN or infinity"):
        fit_alignment(source, np.where(np.arange(90)[:, None] == 7, np.nan, target), 1)
    with pytest.raises(ValueError, match="source's features are <U3; expected real numbers"):
        fit_alignment(np.full((9, 3), "cat"), target, 1)


def test_features_in_bfloat16_are_aligned_as_float32():
    values = np.random.default_rng(0).normal(size=(2, 9, 4))
    half = jnp.asarray(values, jnp.bfloat16)
    whole = np.asarray(half, np.float32)
    rounded, exact = fit_alignment(half[0], half[1], 2), fit_alignment(whole[0], whole[1], 2)
    np.testing.assert_array_equal(rounded.matrix, exact.matrix)
