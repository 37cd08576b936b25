import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts import initializers

KEY = jax.random.key(3)


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (6, 5)])
@pytest.mark.parametrize(
    ("ours", "flaxs"),
    [
        (initializers.he_normal, nn.initializers.he_normal()),
        (initializers.lecun_normal, nn.initializers.lecun_normal()),
        (
            initializers.he_normal_of_outputs,
            nn.initializers.variance_scaling(2.0, "fan_out", "normal"),
        ),
    ],
)
def test_the_numbers_are_flaxs(ours, flaxs, shape):
    np.testing.assert_array_equal(ours(KEY, shape), flaxs(KEY, shape))


def test_a_row_of_numbers_is_flaxs():
    small = nn.initializers.normal(0.01)
    found = initializers.in_a_row(small)(KEY, (3, 2, 5))
    np.testing.assert_array_equal(found, small(KEY, (3, 2, 5)))


def test_the_variance_is_two_over_the_inputs():
    kernel = initializers.he_normal(KEY, (5, 5, 40, 20))
    # 20,000 draws: the variance's own relative deviation is about sqrt(2 / 20,000) = 0.01.
    assert float(kernel.var()) == pytest.approx(2 / (5 * 5 * 40), rel=0.04)
    assert initializers.lecun_normal(KEY, (5, 5, 40, 20), jnp.bfloat16).dtype == jnp.bfloat16
