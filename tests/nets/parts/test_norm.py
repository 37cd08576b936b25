import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.norm import DomainBatchNorm


@pytest.fixture
def images():
    source = jax.random.normal(jax.random.key(0), (4, 3, 3, 2))
    target = 5.0 + 3.0 * jax.random.normal(jax.random.key(1), (4, 3, 3, 2))
    return jnp.concatenate([source, target])


@pytest.fixture
def norm():
    return DomainBatchNorm()


def test_each_domain_is_normalised_by_its_own_statistics_as_flax_would(images, norm):
    variables = norm.init(jax.random.key(0), images, train=True, domains=(0, 1))
    out, _ = norm.apply(variables, images, train=True, domains=(0, 1), mutable=["batch_stats"])
    flax = nn.BatchNorm(use_running_average=False)
    for part in (slice(0, 4), slice(4, 8)):
        expected, _ = flax.init_with_output(jax.random.key(0), images[part])
        np.testing.assert_allclose(out[part], expected, atol=1e-4)


def test_only_the_statistics_of_the_domains_in_the_batch_move(images, norm):
    variables = norm.init(jax.random.key(0), images, train=True, domains=(0, 1))
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
    variables = norm.init(jax.random.key(0), images, train=True, domains=(0, 1))
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


def test_parts_and_domains_must_fit(images, norm):
    with pytest.raises(ValueError, match="batch of 8 does not split into 3"):
        norm.init(jax.random.key(0), images, train=True, domains=(0, 1, 0))
    with pytest.raises(ValueError, match="numbers below 2"):
        norm.init(jax.random.key(0), images, train=True, domains=(2,))
