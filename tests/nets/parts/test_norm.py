import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jtransfer.nets.parts.norm import DomainBatchNorm
from tests import draws
from tests.draws import normal


@pytest.fixture
def images():
    source = normal(0, (4, 3, 3, 2))
    target = 5.0 + 3.0 * normal(1, (4, 3, 3, 2))
    return jnp.concatenate([source, target])


@pytest.fixture
def norm():
    return DomainBatchNorm()


def test_each_domain_is_normalised_by_its_own_statistics_as_flax_would(images, norm):
    variables = draws.variables(norm, images, train=True, domains=(0, 1))
    out, _ = norm.apply(variables, images, train=True, domains=(0, 1), mutable=["batch_stats"])
    flax = nn.BatchNorm(use_running_average=False)
    for part in (slice(0, 4), slice(4, 8)):
        expected, _ = flax.init_with_output(jax.random.key(0), images[part])
        np.testing.assert_allclose(out[part], expected, atol=1e-4)


def test_only_the_statistics_of_the_domains_in_the_batch_move(images, norm):
    variables = draws.variables(norm, images, train=True, domains=(0, 1))
    _, updated = norm.apply(
        variables, images[4:], train=True, domains=(1,), mutable=["batch_stats"]
    )
    stats = updated["batch_stats"]
    np.testing.assert_array_equal(stats["mean"][0], [0.0, 0.0])
    np.testing.assert_array_equal(stats["var"][0], [1.0, 1.0])
    mean, var = images[4:].mean((0, 1, 2)), images[4:].var((0, 1, 2))
    np.testing.assert_allclose(stats["mean"][1], 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(stats["var"][1], 0.9 + 0.1 * var, rtol=1e-4)


@pytest.mark.parametrize("train", [False, True])
def test_statistics_of_bfloat16_images_are_those_of_float32(images, norm, train):
    images = (20.0 + images).astype(jnp.bfloat16)
    variables = draws.variables(norm, images, train=True, domains=(0, 1))
    out, whole = (
        norm.apply(variables, given, train=train, domains=(0, 1), mutable=["batch_stats"])
        for given in (images, images.astype(jnp.float32))
    )
    jax.tree.map(np.testing.assert_array_equal, out[1], whole[1])
    assert {leaf.dtype.name for leaf in jax.tree.leaves(out[1])} == {"float32"}
    np.testing.assert_array_equal(out[0], whole[0].astype(jnp.bfloat16))


def test_at_test_time_the_running_statistics_are_used(norm):
    images = jnp.full((2, 1, 1, 1), 7.0)
    variables = {
        "params": {"scale": jnp.array([2.0]), "bias": jnp.array([1.0])},
        "batch_stats": {"mean": jnp.array([[0.0], [3.0]]), "var": jnp.array([[1.0], [4.0]])},
    }
    out = norm.apply(variables, images, train=False, domains=(1,))
    np.testing.assert_allclose(out.ravel(), [2 * (7 - 3) / 2 + 1] * 2, rtol=1e-4)


def spread(mean, deviation):
    return mean + deviation * np.random.default_rng(0).standard_normal((64, 8, 8, 3))


@pytest.mark.parametrize(
    "values",
    [
        np.full((64, 8, 8, 3), 1.01),
        np.full((64, 8, 8, 3), 255.0),
        np.full((1, 1, 1, 3), 1e6),
        spread(10, 0.001),
        spread(1e3, 1),
        spread(-1e4, 1),
        spread(1e5, 30),
        np.concatenate([np.zeros((32, 8, 8, 3)), spread(1e4, 1)[:32]]),
    ],
)
def test_a_large_mean_leaves_the_deviation_whole(norm, values):
    images = jnp.asarray(values, jnp.float32)
    exact = np.asarray(images, np.float64)
    mean, var = exact.mean((0, 1, 2)), exact.var((0, 1, 2))

    def normed(images):
        return norm.apply(variables, images, train=True, mutable=["batch_stats"])

    variables = draws.variables(norm, images, train=True)
    out, new = jax.jit(normed)(images)
    # Numbers around 1e5 are .008 apart.
    np.testing.assert_allclose(out, (exact - mean) / np.sqrt(var + 1e-5), atol=1e-3)
    np.testing.assert_allclose(new["batch_stats"]["mean"][0], 0.1 * mean, rtol=1e-6)
    np.testing.assert_allclose(new["batch_stats"]["var"][0], 0.9 + 0.1 * var, rtol=1e-5)
    tested = norm.apply(
        {
            **variables,
            "batch_stats": {"mean": jnp.tile(mean, (2, 1)), "var": jnp.tile(var, (2, 1))},
        },
        images,
        train=False,
    )
    np.testing.assert_allclose(tested, (exact - mean) / np.sqrt(var + 1e-5), atol=3e-2)


def test_the_gradient_is_that_of_the_formula_in_float64(norm):
    images = jnp.asarray(spread(1e3, 1)[:8], jnp.float32)
    variables = draws.variables(norm, images, train=True)
    pulled = normal(1, images.shape)
    _, pull = jax.vjp(
        lambda x: norm.apply(variables, x, train=True, mutable=["batch_stats"])[0], images
    )
    x, g = (np.asarray(each, np.float64).reshape(-1, 3) for each in (images, pulled))
    deviation = np.sqrt(x.var(0) + 1e-5)
    normed = (x - x.mean(0)) / deviation
    expected = (g - g.mean(0) - normed * (g * normed).mean(0)) / deviation
    np.testing.assert_allclose(pull(pulled)[0].reshape(-1, 3), expected, atol=1e-5)


def test_parts_of_one_domain_are_one_batch_of_it(images, norm):
    """Running statistics that are the batch's own stay what they are, however it is cut."""
    variables = draws.variables(norm, images, train=True)
    whole, parts = (
        norm.apply(variables, images, train=True, domains=domains, mutable=["batch_stats"])
        for domains in ((0,), (0, 0))
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), whole, parts)
    stats = {
        "mean": jnp.stack([images.mean((0, 1, 2))] * 2),
        "var": jnp.stack([images.var((0, 1, 2))] * 2),
    }
    _, moved = norm.apply(
        {**variables, "batch_stats": stats},
        images,
        train=True,
        domains=(0, 0, 0, 0),
        mutable=["batch_stats"],
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), moved["batch_stats"], stats
    )


def test_a_domain_that_is_not_finite_stays_with_itself(images, norm):
    variables = draws.variables(norm, images, train=True)
    broken = images.at[5].set(jnp.nan)
    out, _ = norm.apply(variables, broken, train=True, domains=(0, 1), mutable=["batch_stats"])
    assert np.isfinite(out[:4]).all()


def test_over_several_devices_statistics_are_those_of_one(norm):
    images = jnp.asarray(spread(1e3, 1), jnp.float32)
    variables = draws.variables(norm, images, train=True)

    @jax.jit
    def normed(images):
        return norm.apply(variables, images, train=True, domains=(0, 1), mutable=["batch_stats"])

    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    shared = jax.device_put(images, NamedSharding(mesh, PartitionSpec("data")))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4),
        normed(shared),
        normed(images),
    )


def test_parts_and_domains_must_fit(images, norm):
    with pytest.raises(ValueError, match="batch of 8 does not split into 3"):
        norm.init(jax.random.key(0), images, train=True, domains=(0, 1, 0))
    with pytest.raises(ValueError, match="numbers below 2"):
        norm.init(jax.random.key(0), images, train=True, domains=(2,))


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_bytes_and_doubles_are_normalised_to_floats(dtype):
    """Rounded to bytes, what is normalised would be 0 and 255."""
    images, norm = np.array([10, 30], dtype).reshape(2, 1, 1, 1), DomainBatchNorm(num_domains=1)
    variables = draws.variables(norm, images, train=True)
    out, _ = norm.apply(variables, images, train=True, mutable=["batch_stats"])
    assert out.dtype == jnp.float32
    np.testing.assert_allclose(out.ravel(), [-1, 1], rtol=1e-5)
