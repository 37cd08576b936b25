import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient

X = jnp.array([1.0, -2.0, 3.0])


def loss(x, scale):
    return jnp.square(reverse_gradient(x, scale)).sum()


# d/dx sum x^2 = 2x, reversed and scaled: -scale * 2x
EXPECTED = -0.5 * 2 * np.array([1.0, -2.0, 3.0])


def test_forward_is_the_identity():
    np.testing.assert_array_equal(reverse_gradient(X, 0.5), X)


def test_gradient_by_hand_under_jit():
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(X, 0.5), EXPECTED)


def test_gradient_under_vmap_over_features_and_scales():
    gradients = jax.vmap(jax.grad(loss))(jnp.stack([X, 2 * X]), jnp.array([0.5, 2.0]))
    np.testing.assert_allclose(gradients, [EXPECTED, -2.0 * 2 * 2 * np.asarray(X)])


def test_gradient_through_a_scan():
    def total(x):
        def body(carry, scale):
            return carry, (reverse_gradient(carry, scale) ** 2).sum()

        return jax.lax.scan(body, x, jnp.array([0.1, 0.4]))[1].sum()

    # The two reversed gradients add up: -(0.1 + 0.4) * 2x
    np.testing.assert_allclose(jax.grad(total)(X), EXPECTED, rtol=1e-6)


def test_gradient_through_layers_in_a_scan_is_reversed_once_a_layer():
    def last(x):
        def body(carry, _):
            return reverse_gradient(carry, 0.5), None

        return jax.lax.scan(body, x, length=3)[0].sum()

    np.testing.assert_allclose(jax.grad(last)(X), np.full(3, (-0.5) ** 3))


def test_the_scale_is_traced_and_gets_no_gradient():
    traced = jax.jit(jax.grad(loss, argnums=(0, 1)))
    for scale in (0.0, 0.5, 1.0):
        to_x, to_scale = traced(X, scale)
        np.testing.assert_allclose(to_x, -scale * 2 * X)
        assert to_scale == 0.0
    assert traced._cache_size() == 1


def test_what_stands_behind_learns_as_usual():
    weight = jnp.array([1.0, 1.0, 1.0])
    gradient = jax.grad(lambda w: (w * reverse_gradient(X, 0.7)).sum())(weight)
    np.testing.assert_array_equal(gradient, X)


def test_forward_mode_is_not_defined():
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda x: reverse_gradient(x, 0.5), (X,), (X,))
