import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.batch_norm import BatchNorm
from tests.draws import normal

MAPS = 5.0 + normal(0, (4, 3, 3, 2))


class Normed(nn.Module):
    """A stage of nothing but the norm."""

    norm: BatchNorm

    @nn.compact
    def __call__(self, maps, *, train=False, domains=(0,)):
        return self.norm(maps, name="norm", train=train, domains=domains)


def net(*, frozen=False, num_domains=None):
    return Normed(BatchNorm(epsilon=1e-3, momentum=0.8, frozen=frozen, num_domains=num_domains))


def normalised(maps, mean, var):
    return (maps - mean[None, None, None]) / jnp.sqrt(var + 1e-3)[None, None, None]


@pytest.mark.parametrize(("num_domains", "shape"), [(None, (2,)), (3, (3, 2))])
def test_parameters_and_statistics_are_of_the_name_and_the_stated_shape(num_domains, shape):
    variables = net(num_domains=num_domains).init(jax.random.key(0), MAPS)
    assert jax.tree.map(jnp.shape, variables) == {
        "params": {"norm": {"scale": (2,), "bias": (2,)}},
        "batch_stats": {"norm": {"mean": shape, "var": shape}},
    }


@pytest.mark.parametrize("num_domains", [None, 2])
def test_moving_statistics_are_the_batchs_and_are_recorded(num_domains):
    moving = net(num_domains=num_domains)
    variables = moving.init(jax.random.key(0), MAPS)
    out, updated = moving.apply(variables, MAPS, train=True, mutable=["batch_stats"])
    mean, var = MAPS.mean((0, 1, 2)), MAPS.var((0, 1, 2))
    np.testing.assert_allclose(out, normalised(MAPS, mean, var), atol=1e-5)
    recorded = jax.tree.map(lambda leaf: leaf.reshape(-1, 2)[0], updated["batch_stats"]["norm"])
    np.testing.assert_allclose(recorded["mean"], 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(recorded["var"], 0.8 + 0.2 * var, rtol=1e-5)


@pytest.mark.parametrize("num_domains", [None, 2])
def test_frozen_statistics_are_used_and_kept_in_training(num_domains):
    frozen = net(frozen=True, num_domains=num_domains)
    variables = frozen.init(jax.random.key(0), MAPS)
    out, updated = frozen.apply(variables, MAPS, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(out, normalised(MAPS, jnp.zeros(2), jnp.ones(2)), rtol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, updated["batch_stats"], variables["batch_stats"])


def test_without_statistics_per_domain_a_batch_of_several_is_one():
    moving = net()
    variables = moving.init(jax.random.key(0), MAPS)
    one, two = (
        moving.apply(variables, MAPS, train=True, domains=domains, mutable=["batch_stats"])[0]
        for domains in ((0,), (0, 1))
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("mean", "deviation"), [(255, 0), (1e3, 1), (-2e3, 1)])
@pytest.mark.parametrize("num_domains", [None, 2])
def test_a_large_mean_leaves_the_deviation_whole(num_domains, mean, deviation):
    noise = np.random.default_rng(0).standard_normal((16, 8, 8, 3))
    maps = jnp.asarray(mean + deviation * noise, jnp.float32)
    exact = np.asarray(maps, np.float64)
    normed, _ = net(num_domains=num_domains).init_with_output(jax.random.key(0), maps, train=True)
    expected = (exact - exact.mean((0, 1, 2))) / np.sqrt(exact.var((0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(normed, expected, atol=2e-3)
