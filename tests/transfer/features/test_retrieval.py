import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.decomposition import PCA

from jtransfer.train.evaluation import map_batches
from jtransfer.transfer.features import retrieval
from jtransfer.transfer.features.retrieval import (
    fit_whitening,
    l2_normalised,
    nearest,
    signed_power,
    whiten,
)


def test_length_one():
    given = jnp.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]])
    expected = [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]]
    np.testing.assert_allclose(l2_normalised(given), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (jnp.float16, 1.0),  # of 300 features the squared length
        (jnp.float16, 300.0),  # squares
        (jnp.float16, 6e-8),
        (jnp.bfloat16, 1e30),
        (jnp.float32, 1e30),
        (jnp.float32, 1e-30),
    ],
)
def test_length_one_of_any_type_and_size(dtype, size):
    signs = np.resize([1.0, -1.0, 1.0], 300)
    unit = l2_normalised(jnp.asarray(size * signs, dtype)[None])
    assert unit.dtype == dtype
    np.testing.assert_allclose(
        unit[0].astype(jnp.float32), signs / np.sqrt(300), rtol=float(jnp.finfo(dtype).eps)
    )


def test_gradients_of_unit_features():
    """Of 3 x_1 + x_2 behind it: (I - u u^T) / |x| of it; at zero, that of features as they are."""

    def pulled(features):
        return (l2_normalised(features) * jnp.array([[3.0, 1.0]])).sum()

    gradient = jax.grad(pulled)(jnp.array([[3.0, 4.0], [0.0, 0.0]]))
    projected = 3 * 0.6 + 1 * 0.8
    expected = [(3 - 0.6 * projected) / 5, (1 - 0.8 * projected) / 5]
    np.testing.assert_allclose(gradient, [expected, [3, 1]], rtol=1e-5)


def test_the_gradient_of_a_power_at_zero():
    gradient = jax.grad(lambda x: signed_power(x, 0.5).sum())(jnp.array([4.0, 0.0, -4.0]))
    np.testing.assert_allclose(gradient, [0.25, 0, 0.25])


@pytest.mark.parametrize(
    ("power", "expected"), [(0.5, [-2.0, 0.0, 3.0]), (1, [-4, 0, 9]), (2, [-16, 0, 81])]
)
def test_signed_power(power, expected):
    np.testing.assert_allclose(signed_power(jnp.array([-4.0, 0.0, 9.0]), power), expected)


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (20, 20)])
def test_whitening_is_scikit_learns(shape):
    random = np.random.default_rng(0)
    spread = np.linspace(3, 1, shape[1])
    features = (5 + random.normal(size=shape) * spread).astype(np.float32)
    others = (5 + random.normal(size=(7, shape[1])) * spread).astype(np.float32)
    theirs = PCA(6, whiten=True, svd_solver="full").fit(features.astype(np.float64))
    ours = fit_whitening(features, 6)
    # The sign of a component is a matter of taste; ours has its largest weight positive.
    largest = np.abs(theirs.components_).argmax(axis=1)
    signs = np.sign(theirs.components_[np.arange(6), largest])
    expected = theirs.transform(others.astype(np.float64)) * signs
    np.testing.assert_allclose(whiten(ours, others), expected, atol=1e-4)
    np.testing.assert_allclose(ours.share, theirs.explained_variance_ratio_.sum(), rtol=1e-5)


def test_whitened_features_are_uncorrelated():
    random = np.random.default_rng(1)
    features = random.normal(size=(60, 5)) @ random.normal(size=(5, 5)) + 3
    whitening = fit_whitening(features.astype(np.float32), 5)
    whitened = map_batches(
        jax.jit(lambda batch: whiten(whitening, batch)), features.astype(np.float32), batch=16
    )
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(5), atol=1e-4)


@pytest.mark.parametrize("shape", [(60, 5), (60, 80)])
def test_variances_far_below_the_largest_count(shape):
    """Deviations from 1 to .002 with a mean of 10; float32 keeps 2e-7 of the largest variance."""
    random = np.random.default_rng(2)
    spread = np.geomspace(1, 2e-3, 5)
    axes = np.linalg.qr(random.normal(size=(shape[1], 5)))[0]
    features = (10 + random.normal(size=(60, 5)) * spread @ axes.T).astype(np.float32)
    whitened = whiten(fit_whitening(features, 5), features)
    np.testing.assert_allclose(np.std(whitened, axis=0, ddof=1), 1, rtol=2e-3)


@pytest.mark.parametrize("unit", [1e-25, 1e25])
def test_whitening_does_not_depend_on_the_features_unit(unit):
    features = np.random.default_rng(3).normal(size=(30, 4)) * [4, 3, 2, 1]
    ours, scaled = (
        whiten(fit_whitening(each, 3), each)
        for each in (features.astype(np.float32), (unit * features).astype(np.float32))
    )
    np.testing.assert_allclose(scaled, ours, rtol=1e-3, atol=1e-3)


def test_whitening_of_half_precision_features():
    features = np.random.default_rng(3).normal(size=(30, 4))
    half = features.astype(np.float16)
    ours, whole = (fit_whitening(each, 4) for each in (half, half.astype(np.float32)))
    jax.tree.map(np.testing.assert_array_equal, ours, whole)
    assert whiten(ours, half).dtype == jnp.float32


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_whitening_of_features_that_are_not_finite(value):
    features = np.random.default_rng(3).normal(size=(30, 4)).astype(np.float32)
    features[7, 2] = value
    with pytest.raises(ValueError, match="row 7 of the features holds NaN or infinity"):
        fit_whitening(features, 2)
    with pytest.raises(ValueError, match=r"features \(30,\); expected \[n, dims\]"):
        fit_whitening(features[:, 0], 2)


@pytest.mark.parametrize("components", [0, 5, 12])
def test_more_components_than_features_can_have(components):
    with pytest.raises(ValueError, match=r"5 features of 12 dimensions; expected 1 to 4"):
        fit_whitening(np.eye(5, 12, dtype=np.float32), components)


@pytest.mark.parametrize("shape", [(30, 6), (30, 60)])
def test_components_without_variance(shape):
    random = np.random.default_rng(2)
    features = random.normal(size=(30, 3)) @ random.normal(size=(3, shape[1]))
    with pytest.raises(ValueError, match="vary in 3 directions, too few for 5"):
        fit_whitening(features.astype(np.float32), 5)


def brute_force(queries, gallery, k):
    def unit(x):
        length = np.linalg.norm(x, axis=1, keepdims=True)
        return x / np.where(length > 0, length, 1)

    cosines = unit(queries.astype(np.float64)) @ unit(gallery.astype(np.float64)).T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(cosines, order, axis=1)


@pytest.mark.parametrize("chunk", [1, 7, 32, 2048])
@pytest.mark.parametrize("k", [1, 5, 50])
def test_search_is_exact(chunk, k):
    random = np.random.default_rng(3)
    queries, gallery = random.normal(size=(20, 16)), random.normal(size=(50, 16))
    positions, cosines = nearest(queries, gallery, k, chunk=chunk)
    expected, values = brute_force(queries, gallery, k)
    np.testing.assert_array_equal(positions, expected)
    np.testing.assert_allclose(cosines, values, atol=1e-6)
    assert positions.dtype == np.int32


@given(st.integers(0, 10**6), st.sampled_from([(30, 1), (30, 4), (30, 16), (3, 8), (16, 16)]))
@settings(max_examples=40)
def test_among_equals_the_lower_position_comes_first(seed, sizes):
    random = np.random.default_rng(seed)
    n, chunk = sizes
    # Products of such rows are exact in float32, so that equal cosines are equal to the bit.
    queries, gallery = (random.choice([-1.0, 1.0], (rows, 4)) for rows in (9, n))
    gallery[random.random(n) < 0.2] = 0
    positions, cosines = nearest(queries, gallery, n, chunk=chunk)
    expected, values = brute_force(queries, gallery, n)
    np.testing.assert_array_equal(positions, expected)
    np.testing.assert_array_equal(cosines, values)


def test_one_compilation_and_a_bounded_device(monkeypatch):
    """More chunks are more calls of the same program, with `chunk` rows each."""
    seen = []
    merge = retrieval._merge

    def watch(best, queries, block, start, total):
        seen.append((queries.shape, block.shape))
        return merge(best, queries, block, start, total)

    monkeypatch.setattr(retrieval, "_merge", watch)
    random = np.random.default_rng(4)
    compiled = merge._cache_size()
    nearest(random.normal(size=(23, 3)), random.normal(size=(31, 3)), 4, chunk=10)
    assert seen == [((10, 3), (10, 3))] * 12
    assert merge._cache_size() == compiled + 1


@pytest.mark.parametrize(
    ("queries", "gallery", "k", "says"),
    [
        ((2, 3), (4, 5), 1, r"queries \(2, 3\) and gallery \(4, 5\)"),
        ((3,), (4, 3), 1, r"queries \(3,\)"),
        ((2, 3), (4, 3), 5, "k is 5; expected 1 to the gallery's 4 rows"),
        ((2, 3), (4, 3), 0, "k is 0"),
    ],
)
def test_what_cannot_be_searched(queries, gallery, k, says):
    with pytest.raises(ValueError, match=says):
        nearest(np.ones(queries), np.ones(gallery), k)


@pytest.mark.parametrize("which", ["queries", "gallery"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite(which, value):
    arrays = {"queries": np.ones((9, 3)), "gallery": np.ones((9, 3))}
    arrays[which][7, 1] = value
    with pytest.raises(ValueError, match=f"row 7 of the {which} holds NaN or infinity"):
        nearest(arrays["queries"], arrays["gallery"], 1, chunk=4)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64])
def test_whole_numbers_and_doubles_of_length_one(dtype):
    unit = l2_normalised(np.array([[3, 4], [0, 0]], dtype))
    assert unit.dtype == jnp.float32
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0]], rtol=1e-6)
