import numpy as np
import pytest

from jtransfer.transfer.features.conditioning import conditioned


def drawn(far, scale=1.0):
    random = np.random.default_rng(0)
    return scale * (random.normal(size=(12, 4)) + far * np.array([1.0, 0, -1, 2]))


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("far", [0.0, 3.0, 1000.0])
@pytest.mark.parametrize("free", [True, False])
def test_scores_and_penalties_are_those_of_what_was_given(free, far, scale):
    """|w|^2 + b^2, or |w|^2 where b is free, is ridge w'^2 / s^2; the scores are the same."""
    random = np.random.default_rng(1)
    features = drawn(far, scale)
    given = conditioned(features, free_bias=free)
    weights, bias = random.normal(size=(4, 3)) / scale, random.normal(size=3)
    inner = given.from_given_units(weights, bias)
    scores = features @ weights + bias
    np.testing.assert_allclose(given.design.values @ inner, scores, rtol=1e-9, atol=1e-9)
    penalty = (weights**2).sum(axis=0) + (0 if free else bias**2)
    ours = (given.design.ridge[:, None] * inner**2).sum(axis=0) / given.scale**2
    np.testing.assert_allclose(ours, penalty, rtol=1e-9)
    back = given.in_given_units(inner)
    np.testing.assert_allclose(back[0], weights, rtol=1e-7, atol=1e-9 / scale)
    np.testing.assert_allclose(back[1], bias, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("free", [True, False])
def test_rows_have_length_1_wherever_they_were(free):
    for far, scale in ((1e6, 1.0), (0.0, 1e-4), (1e5, 1e30)):
        penalised = conditioned(drawn(far, scale), free_bias=free).design.values[:, :-1]
        assert np.square(penalised).sum(axis=1).mean() == pytest.approx(1)


@pytest.mark.parametrize("constant", [1e6, 0.1, 1e30])
def test_constant_features(constant):
    given = conditioned(np.full((5, 2), constant), free_bias=True)
    np.testing.assert_array_equal(given.design.values, [[0, 0, 1]] * 5)
    assert given.scale == 1


def test_a_reduced_design_has_the_products_of_the_whole_one():
    design = conditioned(np.random.default_rng(0).normal(size=(4, 9)), free_bias=False).design
    small, axes = design.reduced
    assert small.values.shape == (4, 5)
    np.testing.assert_allclose(small.values @ axes.T, design.values, atol=1e-12)
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-12)
