import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.sinkhorn import sinkhorn
from jtransfer.transfer.adaptation.squared_distances import squared_distances

RANDOM = np.random.default_rng(0)
COST = RANDOM.uniform(size=(7, 5)).astype(np.float32)
A, B = RANDOM.dirichlet(np.ones(7)), RANDOM.dirichlet(np.ones(5))


@pytest.mark.parametrize("regularisation", [1.0, 0.1, 0.02])
def test_the_plan_of_pot(ot, regularisation):
    expected = ot.sinkhorn(
        A, B, COST, regularisation, method="sinkhorn_log", stopThr=1e-10, numItermax=20_000
    )
    found = sinkhorn(
        COST, regularisation, jnp.asarray(A, jnp.float32), jnp.asarray(B, jnp.float32), most=20_000
    )
    np.testing.assert_allclose(found.plan, expected, atol=3e-5)
    assert found.error <= 1e-5
    assert found.iterations < 20_000


def test_at_little_regularisation_it_is_the_cheapest_plan(ot):
    """Where float32's exp(-cost / regularisation) is 0 everywhere."""
    exact = ot.emd2(np.full(7, 1 / 7), np.full(5, 1 / 5), COST.astype(np.float64) + 9)
    found = sinkhorn(COST + 9, 0.01, most=5000)
    assert float((found.plan * (COST + 9)).sum()) == pytest.approx(exact, abs=0.01)


def test_much_regularisation_spreads_the_mass():
    found = sinkhorn(COST, 1e4)
    np.testing.assert_allclose(found.plan, 1 / 35, rtol=1e-3)
    assert found.iterations == 1


def test_it_stops_where_it_is_told():
    assert sinkhorn(COST, 0.01, most=3).iterations == 3


def test_squared_distances_by_hand():
    one, other = jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(squared_distances(one, other), [[25, 2], [13, 0]], atol=1e-6)
