import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.finetuning.interpolation import interpolate, interpolation_curve, soup

A = {"params": {"w": jnp.array([0.0, 4.0]), "h": jnp.array([1.0], jnp.bfloat16)}}
B = {"params": {"w": jnp.array([8.0, 0.0]), "h": jnp.array([3.0], jnp.bfloat16)}}


def test_between_two_nets_by_hand():
    between = interpolate(A, B, 0.25)["params"]
    np.testing.assert_array_equal(between["w"], [2.0, 3.0])
    assert between["h"].dtype == jnp.bfloat16
    assert between["h"] == 1.5
    np.testing.assert_array_equal(interpolate(A, B, 0)["params"]["w"], A["params"]["w"])
    np.testing.assert_array_equal(interpolate(A, B, 1)["params"]["w"], B["params"]["w"])


def test_a_soup_is_the_mean():
    np.testing.assert_allclose(soup([A, B, B])["params"]["w"], [16 / 3, 4 / 3], rtol=1e-6)
    with pytest.raises(ValueError, match="a soup of nothing"):
        soup([])


def test_the_curve_judges_every_net_between():
    """w[0] = 8 alpha is judged by its distance to 2: best at a quarter."""
    curve = interpolation_curve(lambda tree: -abs(tree["params"]["w"][0] - 2), A, B, (0, 0.25, 1))
    assert curve == [(0, -2.0), (0.25, 0.0), (1, -6.0)]


@pytest.mark.parametrize("other", [{"params": {"w": jnp.zeros(2)}}, {"w": jnp.zeros(3)}])
def test_different_nets_have_nothing_between_them(other):
    with pytest.raises(ValueError, match="differ in their leaves or shapes"):
        interpolate(A, other, 0.5)
