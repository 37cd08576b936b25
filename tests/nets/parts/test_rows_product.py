import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.rows_product import dense_product, rows_product
from tests.draws import normal

KERNEL = jnp.asarray(normal(1, (4, 5)))


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 1, 3, 4)])
def test_products_and_gradients_equal_the_plain_ones(shape):
    rows = jnp.asarray(normal(0, shape))
    gradient = jnp.asarray(normal(2, (*shape[:-1], 5)))

    def with_gradients(product):
        outputs, to_operands = jax.vjp(product, rows, KERNEL)
        return outputs, *to_operands(gradient)

    ours, plain = (
        jax.jit(with_gradients, static_argnums=0)(product) for product in (rows_product, jnp.matmul)
    )
    for one, other in zip(ours, plain, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_gradients_of_many_kernels_at_once_equal_those_one_by_one():
    rows, kernels = jnp.asarray(normal(0, (2, 3, 4))), jnp.asarray(normal(1, (2, 4, 5)))

    def loss(rows, kernel):
        return jnp.square(rows_product(rows, kernel)).sum()

    gradients = jax.grad(loss, argnums=(0, 1))
    together = jax.vmap(gradients)(rows, kernels)
    for run in range(2):
        for one, other in zip(together, gradients(rows[run], kernels[run]), strict=True):
            np.testing.assert_allclose(one[run], other, rtol=1e-5, atol=1e-5)


def test_a_dense_layer_by_it_is_flaxs():
    rows = jnp.asarray(normal(0, (2, 3, 4)))
    plain, ours = nn.Dense(5), nn.Dense(5, dot_general=dense_product)
    variables = plain.init(jax.random.key(0), rows)
    np.testing.assert_allclose(ours.apply(variables, rows), plain.apply(variables, rows), atol=1e-6)
